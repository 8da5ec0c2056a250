# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Strict structure scores of as many interleaved answers as UniM has, from texts and from counts."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from imug_metrics.functional.interleaved.structure_integrity import score_counts, structure_integrity
from imug_metrics.functional.interleaved.tag_counts import tag_counts
from imug_metrics.reading.tags import MODALITIES

from ..machine import DEVICE
from ..registry import Answer, Case, Job, Provider, Setup
from ..runner import races

_TAG = re.compile(r"<(text|image|audio|video|document|code|threeD)(\d+)>")
_WORDS = 60


def structure(setup: Setup) -> Iterator[Job]:
    return races(setup, _cases(setup.quick))


def _cases(quick: bool) -> Iterator[Case]:
    rows = 200 if quick else 31_026
    chance = random.Random(0)
    preds, target = ([_text(chance) for _ in range(rows)] for _ in range(2))
    truth = _loop(preds, target).values
    length = sum(map(len, preds + target)) / rows
    yield Case(
        name="structure from texts",
        sizes={"instances": rows, "words": _WORDS},
        providers=(
            Provider("plain Python loop", partial(_loop, preds, target), rows),
            Provider("imug_metrics structure_integrity", partial(_texts, preds, target), rows),
        ),
        bytes_per_row=length,
        truth=truth,
    )
    counts = [tag_counts(texts).to(DEVICE) for texts in (preds, target)]
    rowwise = [[dict(zip(MODALITIES, row)) for row in part.tolist()] for part in counts]
    yield Case(
        name="structure from counts",
        sizes={"instances": rows},
        providers=(
            Provider("plain Python loop", partial(_loop_counts, *rowwise), rows),
            Provider("imug_metrics score_counts", partial(_counts, *counts), rows),
        ),
        bytes_per_row=2 * len(MODALITIES) * 8,
        truth=truth,
    )


def _text(chance: random.Random) -> str:
    """Words with one to five placeholders among them."""
    words = chance.choices(("scene", "shows", "bright", "kitchen", "where", "the"), k=_WORDS)
    for number in range(chance.randint(1, 5)):
        words.insert(chance.randrange(len(words)), f"<{chance.choice(MODALITIES)}{number + 1}>")
    return " ".join(words)


def _texts(preds: list[str], target: list[str]) -> Answer:
    return Answer(structure_integrity(preds, target, reduction="none").strict)


def _counts(preds: Tensor, target: Tensor) -> Answer:
    return Answer(score_counts(preds, target).strict)


def _loop(preds: list[str], target: list[str]) -> Answer:
    """What one writes first: a counter and a loop an instance."""
    counted = [[Counter(name for name, _ in set(_TAG.findall(text))) for text in texts] for texts in (preds, target)]
    return _loop_counts(*counted)


def _loop_counts(preds: list[dict[str, int]], target: list[dict[str, int]]) -> Answer:
    scores = []
    for given, asked in zip(preds, target):
        f1 = [
            2 * min(given.get(name, 0), asked.get(name, 0)) / (given.get(name, 0) + asked.get(name, 0))
            for name in MODALITIES
            if given.get(name, 0) + asked.get(name, 0)
        ]
        scores.append(sum(f1) / len(f1) if f1 else 1.0)
    return Answer(torch.tensor(scores, dtype=torch.float64))
