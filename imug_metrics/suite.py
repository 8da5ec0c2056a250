# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Records in, every metric out: each distinct picture and prompt is encoded once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True)
class Record:
    """One model output at one turn of one dialogue.

    Attributes:
        dialogue: id of the dialogue, for example "<domain>/<subdomain>/<sample_id>".
        turn: position in the dialogue, from 1.
        modality: what the model had to answer with.
        prompt: what was asked at this turn.
        text: the answer at a text turn; None: absent.
        image: the picture at an image turn; None: absent.
        target: the answer key of a text turn; None: there is nothing to score against.
        links: earlier turns whose picture this turn's picture should agree with.
        groups: what means are taken by: "class", "domain", "subdomain".
        attempted: False where the model left nothing at all for this dialogue. Under protocol "imug" such a dialogue is
            left out, while a missing answer in a dialogue that was attempted counts 0.

    Example:
        >>> Record("Cooking/pan/1", turn=1, modality="text", prompt="Which? A or B", text="A", target="A").turn
        1
    """

    dialogue: str
    turn: int
    modality: Literal["text", "image"]
    prompt: str
    text: str | None = None
    image: Path | None = None
    target: str | None = None
    links: tuple[int, ...] = ()
    groups: Mapping[str, str] = field(default_factory=dict)
    attempted: bool = True


@dataclass(frozen=True)
class ModelScores:
    """Every metric of one model.

    Attributes:
        model: its name.
        scores: flat, by name; "answer_accuracy..." is protocol "strict", "answer_accuracy_imug..." the official one.
            Undefined is NaN.
        items: one row a record: dialogue, turn, modality, prompt, text, image, class, domain, subdomain, and the
            record's own answer_strict, answer_imug, alignment, retrieval, consistency, copy (None where undefined).
    """

    model: str
    scores: dict[str, float]
    items: list[dict[str, Any]]
