# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""One batch for every public metric: what `update` is timed, counted and profiled on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

import imug_metrics as im

from .machine import DEVICE, draw, draw_integers

if TYPE_CHECKING:
    from torchmetrics import Metric

DIALOGUES, TURNS, WIDTH = 8, 4, 512
Columns = dict[str, Any]


@dataclass(frozen=True)
class Entry:
    """A metric and the columns that it reads.

    Attributes:
        make: the metric, with the options given by keyword.
        columns: `[B, T, ...]` tensors, or lists of B lists of T, by argument.
        reads: the most expensive thing among them.
        forms: in which it takes them.
        metrics: how many it updates; what torchmetrics takes for as many means is what it is held against.
        reader: module and name of the function that reads a text, whose time is no part of what an update of numbers
            takes. None: there are no texts.
    """

    make: Callable[..., Metric]
    columns: Callable[[], Columns]
    reads: Literal["embeddings", "numbers", "texts"] = "numbers"
    forms: tuple[str, ...] = ("padded", "flat")
    metrics: int = 1
    reader: tuple[str, str] | None = None

    def metric(self, **options: Any) -> Metric:
        """The metric on the device of the columns."""
        return self.make(**options).to(DEVICE)

    def inputs(self) -> dict[str, Columns]:
        """The batch as whole dialogues without ids and turns, and the same rows one after the other with both."""
        made = {"padded": self.columns, "flat": self._flat}
        return {form: made[form]() for form in self.forms}

    def _flat(self) -> Columns:
        dialogue = torch.arange(DIALOGUES, device=DEVICE).repeat_interleave(TURNS, output_size=DIALOGUES * TURNS)
        return {
            **{name: _flat(column) for name, column in self.columns().items()},
            "dialogue": dialogue,
            "turn": torch.arange(1, TURNS + 1, device=DEVICE).repeat(DIALOGUES),
        }


def baselines(metrics: int = 1) -> dict[str, Callable[[], None]]:
    """Updates of torchmetrics with as many rows: the two that do least with numbers, and with embeddings.

    Args:
        metrics: how many means are updated.
    """
    from torchmetrics import CosineSimilarity, MeanMetric  # after imug_metrics, which makes it importable

    rows = DIALOGUES * TURNS
    scores, means, cosine = draw(rows), [MeanMetric().to(DEVICE) for _ in range(metrics)], CosineSimilarity().to(DEVICE)

    def update_means() -> None:
        for mean in means:
            mean.update(scores)

    return {
        f"{'' if metrics == 1 else f'{metrics} x '}torchmetrics MeanMetric": update_means,
        "torchmetrics CosineSimilarity": partial(cosine.update, *(draw(rows, WIDTH, seed=seed) for seed in (1, 2))),
    }


def _flat(column: Any) -> Any:
    if isinstance(column, Tensor):
        return column.flatten(0, 1)
    return [item for line in column for item in line]


def _embeddings(*names: str) -> Callable[[], Columns]:
    return lambda: {name: draw(DIALOGUES, TURNS, WIDTH, seed=seed) for seed, name in enumerate(names)}


def _shares(*names: str, last: tuple[int, ...] = (), low: float = 0.01) -> Callable[[], Columns]:
    """Columns of numbers between `low` and 1, `[B, T, *last]`."""
    shape = (DIALOGUES, TURNS, *last)
    return lambda: {name: draw(*shape, seed=seed).sigmoid().clamp_min(low) for seed, name in enumerate(names)}


def _labels(*names: str, kinds: int = 2, last: tuple[int, ...] = ()) -> Callable[[], Columns]:
    count = DIALOGUES * TURNS * torch.Size(last).numel()
    return lambda: {
        name: draw_integers(0, kinds, count, seed=seed).view(DIALOGUES, TURNS, *last) for seed, name in enumerate(names)
    }


def _texts(**lines: tuple[str, ...]) -> Callable[[], Columns]:
    """Columns of texts: those given, one a turn."""
    return lambda: {name: [[*texts] for _ in range(DIALOGUES)] for name, texts in lines.items()}


def _faults() -> Columns:
    return {**_labels("preds", kinds=5, last=(2,))(), "target": _labels("target", kinds=5)()["target"]}


def _traces() -> Columns:
    lines = (["plan", "look", "tell"], ["plan", "tell"], ["look", "plan", "tell"], [])
    return {"preds": [[*lines] for _ in range(DIALOGUES)]}


def _policy() -> Columns:
    return {**_shares("scores", "costs", last=(3,))(), **_labels("preds", kinds=3)()}


def _images_and_pixels() -> Columns:
    return {**_embeddings("images")(), **_shares("pixels", last=(3 * 32 * 32,))()}


def _edits() -> Columns:
    return {**_shares("images", last=(3, 16, 16))(), **_shares("editable", last=(16, 16))()}


def _groups() -> Columns:
    return {**_shares("scores")(), **_labels("group")()}


def _context_lengths() -> Columns:
    return {**_shares("scores")(), **{"context_lengths": 4000 * _labels("turns", kinds=9)()["turns"] + 500}}


def _modality() -> Columns:
    return {**_shares("scores")(), "modality": _labels("modality")()["modality"].bool()}


def _pressure() -> Columns:
    columns = _labels("preds", "target", "before", kinds=3)()
    return {**columns, "suggested": (columns["target"] + 1) % 3}


METRICS: dict[str, Entry] = {
    "AdaptivePolicy": Entry(lambda **k: im.AdaptivePolicy(3, price=0.05, **k), _policy),
    "AnswerAccuracy": Entry(
        im.AnswerAccuracy,
        _texts(
            preds=("The answer is B.", "C", "I choose A and D, since both cups are red.", "(A) left\nSo it is **A**."),
            target=("B", "C", "AD", "B"),
        ),
        "texts",
        reader=("imug_metrics.functional.answers.choice_score", "read_choice"),
    ),
    "BestOfN": Entry(lambda **k: im.BestOfN(4, **k), _shares("scores", "selector", last=(5,))),
    "Breakdown": Entry(lambda **k: im.Breakdown(im.TurnDecay(**k), [0, 1]), _groups, forms=("flat",), metrics=3),
    "ContextDecay": Entry(im.ContextDecay, _context_lengths),
    "ContextForgetting": Entry(im.ContextForgetting, _embeddings("images", "texts"), "embeddings"),
    "CopyGuard": Entry(im.CopyGuard, _images_and_pixels, "embeddings"),
    "EditLocality": Entry(im.EditLocality, _edits),
    "ExposureBias": Entry(im.ExposureBias, _shares("scores", "baseline")),
    "FaultLocalization": Entry(im.FaultLocalization, _faults),
    "GridAccuracy": Entry(im.GridAccuracy, _labels("preds", "target", kinds=4, last=(3, 3))),
    "IdentityVerification": Entry(lambda **k: im.IdentityVerification(WIDTH, **k), _embeddings("images"), "embeddings"),
    "InterleavedCoherence": Entry(im.InterleavedCoherence, _shares("holistic", "style")),
    "JudgeStability": Entry(partial(im.JudgeStability, ("m", "n"), ("a", "b")), _shares("scores", last=(2, 2))),
    "LoopConvergence": Entry(im.LoopConvergence, _shares("scores")),
    "MetricAgreement": Entry(im.MetricAgreement, _shares("scores", "references")),
    "ObjectHallucination": Entry(
        im.ObjectHallucination,
        _texts(
            preds=(["dog", "ball"], ["Dog", "tree"], [], ["traffic light", "car", "car"]),
            target=(["dog"], ["dog", "tree"], ["cat"], ["car"]),
        ),
        "texts",
        reader=("imug_metrics.metrics.decay.object_hallucination", "object_lists"),
    ),
    "ModalityCompliance": Entry(
        im.ModalityCompliance, lambda: {**_labels("preds", kinds=4)(), "modality": _modality()["modality"]}
    ),
    "PairedGain": Entry(im.PairedGain, _shares("scores", "baseline")),
    "PerceptualDrift": Entry(im.PerceptualDrift, _embeddings("images"), "embeddings"),
    "PointScore": Entry(im.PointScore, lambda: {"items": _labels("items", kinds=6, last=(3,))()["items"].float()}),
    "RepairGain": Entry(im.RepairGain, _shares("scores", "baseline", "costs")),
    "RecencyReliance": Entry(im.RecencyReliance, _embeddings("images", "texts"), "embeddings"),
    "Reliability": Entry(im.Reliability, _shares("scores", last=(6,))),
    "SampleDiversity": Entry(im.SampleDiversity, lambda: {"images": draw(DIALOGUES, TURNS, 4, WIDTH)}, "embeddings"),
    "Selection": Entry(im.Selection, _shares("scores", "selector", last=(5,))),
    "SelfBias": Entry(im.SelfBias, _shares("scores", "references")),
    "SelfCorrection": Entry(im.SelfCorrection, _labels("preds", "before")),
    "SelfVerification": Entry(im.SelfVerification, _labels("preds", "target")),
    "SemanticQuality": Entry(im.SemanticQuality, _shares("correctness", "quality")),
    "StrategyComparison": Entry(lambda **k: im.StrategyComparison(("a", "b", "c"), **k), _shares("scores", last=(3,))),
    "StructureIntegrity": Entry(im.StructureIntegrity, _labels("preds", "target", kinds=3, last=(7,))),
    "StructureIntegrity, texts": Entry(
        im.StructureIntegrity,
        _texts(
            preds=("a <image1>", "<image1> and <image2>", "no item", "see <audio1>, then <code1>"),
            target=("<image1>", "<image1>", "<text1>", "<audio2> <code1>"),
        ),
        "texts",
        reader=("imug_metrics.metrics.interleaved.structure_integrity", "count_column"),
    ),
    "StyleDrift": Entry(im.StyleDrift, _embeddings("images"), "embeddings"),
    "StyleDrift, detail": Entry(
        lambda **k: im.StyleDrift(detail=True, **k), _embeddings("images", "whole"), "embeddings"
    ),
    "SubjectConsistency": Entry(im.SubjectConsistency, _embeddings("images"), "embeddings"),
    "SubjectConsistency, detail": Entry(
        lambda **k: im.SubjectConsistency(detail=True, **k),
        _embeddings("images", "background", "whole", "swapped"),
        "embeddings",
    ),
    "SwitchCost": Entry(im.SwitchCost, _modality),
    "Sycophancy": Entry(im.Sycophancy, _pressure),
    "ChecklistScore": Entry(im.ChecklistScore, _labels("items", kinds=2, last=(6,))),
    "TraceCompliance": Entry(partial(im.TraceCompliance, ("plan", "look", "tell")), _traces),
    "TraceSupport": Entry(im.TraceSupport, _shares("items", last=(6,))),
    "TurnAlignment": Entry(im.TurnAlignment, _embeddings("images", "texts"), "embeddings"),
    "TurnAlignment, detail": Entry(
        lambda **k: im.TurnAlignment(detail=True, **k), _embeddings("images", "texts"), "embeddings"
    ),
    "TurnConsistency": Entry(im.TurnConsistency, _embeddings("images"), "embeddings"),
    "TurnConsistency, detail": Entry(
        lambda **k: im.TurnConsistency(detail=True, **k), _embeddings("images"), "embeddings"
    ),
    "TurnCost": Entry(im.TurnCost, _shares("costs")),
    "TurnDecay": Entry(im.TurnDecay, _shares("scores")),
    "TurnDecay, theil-sen": Entry(lambda **k: im.TurnDecay("theil-sen", **k), _shares("scores")),
    "TurnDistributionShift": Entry(
        lambda **k: im.TurnDistributionShift(WIDTH, **k), _embeddings("images"), "embeddings"
    ),
    "TurnDiversity": Entry(lambda **k: im.TurnDiversity(WIDTH, **k), _embeddings("images"), "embeddings"),
    "TurnOfFlip": Entry(im.TurnOfFlip, _labels("preds")),
    "TurnRetrieval": Entry(im.TurnRetrieval, _embeddings("images", "texts"), "embeddings"),
    "UnderstandingGenerationGap": Entry(im.UnderstandingGenerationGap, _modality),
    "VerdictSpecificity": Entry(
        im.VerdictSpecificity,
        _texts(
            verdicts=("Two blue balls match.", "Looks good.", "The cup is left of the red box.", "No third tree."),
            texts=("Draw two blue balls", "Add a dog", "Put the cup left of the box", "Draw three trees"),
        ),
        "texts",
        reader=("imug_metrics.functional.self_evaluation.verdict_specificity", "specificity_shares"),
    ),
    "VerifierCurve": Entry(
        im.VerifierCurve,
        lambda: {**_shares("scores", last=(5,))(), "target": _labels("target", last=(5,))()["target"].float()},
    ),
}

# One that reads embeddings, one with all its parts, one of numbers: where sizes are tiny, these stand for all.
QUICK = ("TurnAlignment", "TurnConsistency, detail", "TurnDecay")
