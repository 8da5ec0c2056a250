# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Records in, every metric out: each distinct picture and prompt is encoded once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from imug_metrics import functional
from imug_metrics._encode_once import EncodeOnce
from imug_metrics.accuracy import AnswerAccuracy
from imug_metrics.alignment import TurnAlignment
from imug_metrics.consistency import TurnConsistency
from imug_metrics.decay import TurnDecay
from imug_metrics.exposure import ExposureBias, PairedGain
from imug_metrics.functional.choice import choice_mask
from imug_metrics.retrieval import TurnRetrieval

if TYPE_CHECKING:
    from imug_metrics.encoders import Encoder

_Columns = tuple[Sequence["Record"], dict[str, Tensor]]

FAILED = "ERROR:"
"""How an answer begins that reports a failed turn."""

ITEM_SCORES = ("answer_strict", "answer_imug", "alignment", "retrieval", "consistency", "copy")


@dataclass(frozen=True)
class Record:
    """One model output at one turn of one dialogue.

    Attributes:
        dialogue: id of the dialogue, for example "<domain>/<subdomain>/<sample_id>".
        turn: position in the dialogue, from 1.
        modality: what the model had to answer with.
        prompt: what was asked at this turn.
        text: the answer at a text turn; None: absent. An answer that begins with "ERROR:" reports a failed turn: absent
            under protocol "strict", an answer like any other under "imug".
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
        scores: flat, by name; "answer_accuracy..." is protocol "strict", "answer_accuracy_imug..." the official one,
            "answer_accuracy_without_key" the number of text turns whose key is absent or names no option, and
            "turn_consistency_graph..." the agreement along links, where records have any. Undefined is NaN.
        items: one row a record: dialogue, turn, modality, prompt, text, image, class, domain, subdomain, and the
            record's own answer_strict, answer_imug, alignment, retrieval, consistency, copy (None where undefined).
    """

    model: str
    scores: dict[str, float]
    items: list[dict[str, Any]]


def score_records(
    records: Sequence[Record],
    *,
    model: str,
    encoder: Encoder,
    missing: Literal["skip", "zero"] = "skip",
    dialogues_per_step: int = 256,
    unreadable: Callable[[Record, str], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ModelScores:
    """Score one model's records with every metric.

    Text turns give answer accuracy under both protocols and its decay; image turns give alignment with the prompt,
    retrieval among the dialogue's prompts, and consistency with the dialogue's other pictures. An encoder without a
    text side gives consistency alone.

    Args:
        records: records in any order; turns of a dialogue differ.
        model: name of the model.
        encoder: embeds pictures and prompts.
        missing: what an absent output counts as: "skip" leaves it out, "zero" scores 0. Turns without a key are left
            out in either case; protocol "imug" has its own rule (see `Record.attempted`).
        dialogues_per_step: dialogues held at a time; memory grows with it, the result does not depend on it.
        unreadable: called with a record and the reason when its picture cannot be read; the picture counts as absent.
        progress: called with the number of dialogues done and of all dialogues.

    Returns:
        The scores, with intervals by dialogue and curves over turns, and one row a record.

    Raises:
        ValueError: if `dialogues_per_step` is below 1, a turn is below 1 or occurs twice in a dialogue.

    Example:
        >>> from imug_metrics.encoders import CallableEncoder
        >>> answers = ["B", "(B)", "C"]
        >>> records = [Record("a", t + 1, "text", "Which?", text=x, target="B") for t, x in enumerate(answers)]
        >>> encoder = CallableEncoder(images=lambda images: torch.ones(len(images), 2))
        >>> scores = score_records(records, model="mine", encoder=encoder).scores
        >>> round(scores["answer_accuracy"], 4), round(scores["answer_accuracy_imug"], 4)
        (0.6667, 0.5)
    """
    if dialogues_per_step < 1:
        raise ValueError(f"Expected argument `dialogues_per_step` to be >= 1, got {dialogues_per_step}.")
    dialogues = _by_dialogue(records)
    last = max((record.turn for record in records), default=1)
    scorer = _Scorer(encoder, missing, max(16, last), unreadable)
    items: list[dict[str, Any]] = []
    for start in range(0, len(dialogues), dialogues_per_step):
        step = dialogues[start : start + dialogues_per_step]
        items += scorer.add([record for dialogue in step for record in dialogue])
        if progress is not None:
            progress(start + len(step), len(dialogues))
    return ModelScores(model, scorer.compute(), items)


def compare_histories(
    records: Sequence[Record],
    own: Sequence[Mapping[str, Any]],
    reference: Sequence[Mapping[str, Any]],
    *,
    missing: Literal["skip", "zero"] = "skip",
) -> dict[str, float]:
    """What building on its own outputs costs a model: one run of it against another on the reference history.

    Answers give exposure bias, a share of errors. Pictures give the gap alone: alignment has no value that means "all
    right", so an error share would depend on the encoder's scale.

    Args:
        records: of the run on the reference history. Text turns whose key names no option are left out; so should be
            questions whose key depends on the history, which are given by an absent target.
        own: items of the run on the model's own history.
        reference: items of the run on the reference history.
        missing: what an absent output counts as, as in `score_records`.

    Returns:
        "exposure_bias..." of answers under protocol "strict" and "exposure_gap_alignment...", the mean of reference
        minus own, each where both runs have scores of the kind.

    Example:
        >>> run = [Record("a", t, "text", "Which?", target="B") for t in (1, 2)]
        >>> own, reference = ([{"dialogue": "a", "turn": t, "answer_strict": s[t - 1]} for t in (1, 2)]
        ...                   for s in ((0.5, 0.0), (0.5, 0.5)))
        >>> compare_histories(run, own, reference)["exposure_bias"]
        50.0
    """
    options: dict[str, Any] = {"detail": True, "missing": missing}
    options["max_turns"] = max(16, *(record.turn for record in records)) if records else 16
    arms = [{(item["dialogue"], item["turn"]): item for item in items} for items in (own, reference)]

    def column(rows: Sequence[Record], name: str) -> list[list[float]]:
        found = ([items.get((row.dialogue, row.turn), {}).get(name) for row in rows] for items in arms)
        return [[math.nan if value is None else value for value in values] for values in found]

    found: dict[str, float] = {}
    texts, images = with_key(records, "strict"), [record for record in records if record.modality == "image"]
    mine, theirs = column(texts, "answer_strict")
    if _any_number(mine) and _any_number(theirs):
        bias = ExposureBias(**options)
        bias.update(mine, theirs, **_places(texts))
        found |= {key: float(value) for key, value in bias.compute().items()}
    mine, theirs = column(images, "alignment")
    if _any_number(mine) and _any_number(theirs):
        gap = PairedGain(**options)
        gap.update(theirs, mine, **_places(images))
        named = ((key.removeprefix(gap.name), value) for key, value in gap.compute().items())
        found |= {f"exposure_gap_alignment{key}": float(value) for key, value in named}
    return found


def with_key(records: Sequence[Record], protocol: Literal["strict", "imug"]) -> list[Record]:
    """The text turns that have a key: under protocol "strict" one that names an option, under "imug" any.

    Example:
        >>> keys = ("A", "none", None)
        >>> turns = [Record("a", t + 1, "text", "Which?", target=key) for t, key in enumerate(keys)]
        >>> len(with_key(turns, "strict")), len(with_key(turns, "imug"))
        (1, 2)
    """
    texts = [record for record in records if record.modality == "text" and record.target is not None]
    if protocol == "imug":
        return texts
    named = choice_mask([record.target for record in texts]).tolist()
    return [record for record, options in zip(texts, named, strict=True) if options]


def answer_values(records: Sequence[Record], protocol: Literal["strict", "imug"]) -> Tensor:
    """Scores `[N]` of text turns with a key, in [0, 1]; NaN where the protocol calls the answer absent (see `Record`).

    Example:
        >>> said = [Record("a", t + 1, "text", "Which?", text=text, target="A") for t, text in enumerate(("(A)", None))]
        >>> answer_values(said, "strict"), answer_values(said, "imug")
        (tensor([1., nan], dtype=torch.float64), tensor([0.5000, 0.0000], dtype=torch.float64))
    """
    there = [record.attempted if protocol == "imug" else _answered(record) for record in records]
    answers, keys = [record.text for record in records], [str(record.target) for record in records]
    values = functional.answer_accuracy(answers, keys, kind="choice", protocol=protocol, reduction="none")
    return values.masked_fill(~torch.tensor(there, dtype=torch.bool), math.nan)


class _Scorer:
    """All metrics of one model, fed step by step with whole dialogues."""

    def __init__(
        self,
        encoder: Encoder,
        missing: Literal["skip", "zero"],
        max_turns: int,
        unreadable: Callable[[Record, str], None] | None,
    ) -> None:
        options: dict[str, Any] = {"detail": True, "missing": missing, "max_turns": max_turns}
        self.encoded, self.unreadable = EncodeOnce(encoder), unreadable
        self.metrics: dict[str, Any] = {
            "answer_accuracy": AnswerAccuracy(protocol="strict", **options),
            "answer_accuracy_imug": AnswerAccuracy(protocol="imug", **options),
            "turn_decay": TurnDecay(**options),
            "turn_alignment": TurnAlignment(**options),
            "turn_retrieval": TurnRetrieval(**options),
            "turn_consistency": TurnConsistency(**options),
            "turn_consistency_graph": TurnConsistency(mode="graph", **options),
        }
        self.without_key = 0
        self.has_texts = True

    def add(self, records: Sequence[Record]) -> list[dict[str, Any]]:
        """Add whole dialogues; returns one item a record."""
        scores: dict[int, dict[str, float]] = {id(record): {} for record in records}
        with_options = with_key(records, "strict")
        self.without_key += sum(record.modality == "text" for record in records) - len(with_options)
        columns = (
            self._add_strict(with_options),
            self._add_imug([record for record in with_key(records, "imug") if record.attempted]),
            self._add_images([record for record in records if record.modality == "image"]),
        )
        for rows, found in columns:
            for name, values in found.items():
                for record, value in zip(rows, values.tolist(), strict=True):
                    scores[id(record)][name] = value
        return [_item(record, scores[id(record)]) for record in records]

    def compute(self) -> dict[str, float]:
        """All scores, flat; a metric that was given no record is left out."""
        found = {"answer_accuracy_without_key": float(self.without_key)}
        for prefix, metric in self.metrics.items():
            if metric.update_called:
                scores = metric.compute()
                found |= {prefix + key.removeprefix(metric.name): float(value) for key, value in scores.items()}
        return found

    def _add_strict(self, records: Sequence[Record]) -> _Columns:
        if not records:
            return records, {}
        rows = _rows(records, [_answered(record) for record in records])
        answers = [record.text if there else None for record, there in zip(records, rows["valid"], strict=True)]
        keys = [str(record.target) for record in records]
        values = answer_values(records, "strict")
        self.metrics["answer_accuracy"].update(answers, keys, **rows)
        self.metrics["turn_decay"].update(values, **rows)
        return records, {"answer_strict": values}

    def _add_imug(self, records: Sequence[Record]) -> _Columns:
        if not records:
            return records, {}
        answers, keys = [record.text for record in records], [str(record.target) for record in records]
        rows = _rows(records, [answer is not None for answer in answers])
        self.metrics["answer_accuracy_imug"].update(answers, keys, **rows)
        return records, {"answer_imug": answer_values(records, "imug")}

    def _add_images(self, records: Sequence[Record]) -> _Columns:
        if not records:
            return records, {}
        images, pixels, reasons = self.encoded.images([record.image for record in records])
        for record, reason in zip(records, reasons, strict=True):
            if reason is not None and self.unreadable is not None:
                self.unreadable(record, reason)
        there = [record.image is not None and reason is None for record, reason in zip(records, reasons, strict=True)]
        rows = _rows(records, there, images.device)
        found = self._add_prompts(records, images, rows) if self.has_texts else {}
        self.metrics["turn_consistency"].update(images, **rows, pixels=pixels)
        links = _links(records)
        if len(links):
            self.metrics["turn_consistency_graph"].update(images, **rows, links=links)
        found["consistency"] = functional.turn_consistency(images, **rows, reduction="none")
        found["copy"] = functional.turn_copies(images, **rows)
        return records, found

    def _add_prompts(self, records: Sequence[Record], images: Tensor, rows: dict[str, Any]) -> dict[str, Tensor]:
        try:
            prompts = self.encoded.texts([record.prompt for record in records])
        except TypeError:  # an encoder of pictures alone
            self.has_texts = False
            return {}
        if not any(rows["valid"]):
            images = torch.zeros_like(prompts)  # no picture has told the encoder's width yet
        self.metrics["turn_alignment"].update(images, prompts, **rows)
        self.metrics["turn_retrieval"].update(images, prompts, **rows)
        alignment = functional.turn_alignment(images, prompts, valid=rows["valid"], reduction="none")
        return {
            "alignment": alignment,
            "retrieval": functional.turn_retrieval(images, prompts, **rows, reduction="none"),
        }


def _by_dialogue(records: Sequence[Record]) -> list[list[Record]]:
    dialogues: dict[str, list[Record]] = {}
    for record in records:
        dialogues.setdefault(record.dialogue, []).append(record)
    return list(dialogues.values())


def _answered(record: Record) -> bool:
    return record.text is not None and not record.text.startswith(FAILED)


def _any_number(values: Sequence[float]) -> bool:
    return not all(math.isnan(value) for value in values)


def _places(records: Sequence[Record]) -> dict[str, Any]:
    return {"dialogue": [record.dialogue for record in records], "turn": [record.turn for record in records]}


def _rows(records: Sequence[Record], valid: list[bool], device: torch.device | None = None) -> dict[str, Any]:
    return {**_places(records), "valid": torch.tensor(valid, dtype=torch.bool, device=device)}


def _links(records: Sequence[Record]) -> Tensor:
    """Linked rows `[E, 2]`, of those links that lead to one of the records."""
    places = {(record.dialogue, record.turn): row for row, record in enumerate(records)}
    pairs = [
        (row, places[record.dialogue, turn])
        for row, record in enumerate(records)
        for turn in record.links
        if (record.dialogue, turn) in places
    ]
    return torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2)


def _item(record: Record, scores: Mapping[str, float]) -> dict[str, Any]:
    values = {name: scores.get(name, math.nan) for name in ITEM_SCORES}
    return {
        "dialogue": record.dialogue,
        "turn": record.turn,
        "modality": record.modality,
        "prompt": record.prompt,
        "text": record.text,
        "image": None if record.image is None else str(record.image),
        **{name: record.groups.get(name) for name in ("class", "domain", "subdomain")},
        **{name: None if math.isnan(value) else value for name, value in values.items()},
    }
