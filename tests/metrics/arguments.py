# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Every argument of every public metric with a right value: what wrong values and other forms are tried on.

Records are four dialogues of three turns, so that they are the same flat and padded.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
from einops import rearrange
from torch import Tensor

import imug_metrics.functional as functional
from imug_metrics import Breakdown
from tests.metrics import cases

LINES, TURNS = 4, 3
ROWS = LINES * TURNS
IDS = torch.tensor([31, 7, 52, 11])
Batch = dict[str, Any]
Extra = Callable[[Tensor, Tensor], Batch]


def places() -> tuple[Tensor, Tensor]:
    """Dialogue and turn `[N]`."""
    return IDS.repeat_interleave(TURNS), torch.arange(1, TURNS + 1).repeat(LINES)


@dataclass(frozen=True)
class Variant:
    """A metric with right values of its arguments.

    Attributes:
        case: its name in `tests.metrics.cases`.
        extra: arguments that the case leaves out, from dialogue and turn.
        without: arguments that do not go with the others.
        options: of the metric.
        flat_only: it has no padded form.
    """

    case: str
    extra: Extra = lambda dialogue, turn: {}
    without: tuple[str, ...] = ()
    options: Batch = field(default_factory=dict)
    flat_only: bool = False

    def make(self) -> Any:
        return cases.all_cases()[self.case].make(detail=True, **self.options)

    def names(self) -> list[str]:
        """Arguments of `update`."""
        parameters = [*inspect.signature(type(self.make()).update).parameters.values()][1:]
        named = [p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        return named if self.case != "breakdown" else ["scores", "group", "dialogue", "turn", "valid", "lengths"]

    def batch(self, padded: bool = False) -> Batch:
        """Right values of all arguments that go together."""
        dialogue, turn = places()
        found = cases.all_cases()[self.case].columns(dialogue, turn) | self.extra(dialogue, turn)
        found |= {
            "dialogue": dialogue,
            "turn": turn,
            "subject": dialogue % 3,
            "valid": torch.ones(ROWS, dtype=torch.bool),
        }
        if padded:
            found = {name: value if name == "links" else as_lines(value) for name, value in found.items()}
            found["dialogue"] = IDS
            found["lengths"] = torch.tensor([TURNS] * LINES)
        return {name: value for name, value in found.items() if name in self.names() and name not in self.without}


def as_lines(value: Any) -> Any:
    """A column by dialogue and turn."""
    if isinstance(value, Tensor):
        return rearrange(value, "(b t) ... -> b t ...", b=LINES)
    if isinstance(value, dict):
        return {name: as_lines(column) for name, column in value.items()}
    return [list(value[start : start + TURNS]) for start in range(0, ROWS, TURNS)] if isinstance(value, list) else value


def _numbers(dialogue: Tensor, turn: Tensor) -> Tensor:
    return cases.noise(dialogue, turn, 41, 1)[:, 0].double().sigmoid()


def _support(dialogue: Tensor, turn: Tensor) -> Batch:
    return {"support": _numbers(dialogue, turn)}


def _named(dialogue: Tensor, turn: Tensor) -> Batch:
    found = cases.strategies(dialogue, turn)
    names = ("plain", "bon", "cot")
    scores = dict(zip(names, found["scores"].unbind(1)))
    return {"scores": scores, "costs": {"tokens": dict(zip(names, found["costs"].unbind(1)))}}


def _masks(dialogue: Tensor, turn: Tensor) -> Batch:
    return {"masks": torch.arange(3) < 1 + turn[:, None] % 3}


def _right(dialogue: Tensor, turn: Tensor) -> Batch:
    return {"target": cases.labels(dialogue, turn, 42)}


def _available(dialogue: Tensor, turn: Tensor) -> Batch:
    return {**_support(dialogue, turn), "available": [{"image1", "audio2"} for _ in dialogue]}


def _texts(dialogue: Tensor, turn: Tensor) -> Batch:
    preds = ["a red cup", "两个杯子", "eine Tasse"] * LINES
    return {"preds": preds, "target": ["the red cup", "三个杯子", "die Tasse"] * LINES}


VARIANTS: dict[str, Variant] = {
    "policy": Variant("policy"),
    "checklist": Variant("checklist", lambda d, t: {"masks": torch.arange(4) < 2 + t[:, None] % 3}),
    "choices": Variant("accuracy-options"),
    "jury": Variant("jury"),
    "numeric": Variant("accuracy-numeric"),
    "answers": Variant("accuracy-f1", _texts),
    "best-of-n": Variant("best-of-n"),
    "context": Variant("context-within"),
    "exposure-bias": Variant("exposure-bias"),
    "grid": Variant("grid", lambda dialogue, turn: {"counts": 2 + turn}),
    "coherence": Variant("coherence", _support),
    "loops": Variant("loops-gain"),
    "agreement": Variant("agreement-groups"),
    "objects": Variant("objects"),
    "paired-gain": Variant("paired-gain"),
    "points": Variant("points", _masks),
    "reliability": Variant("reliability"),
    "selection": Variant("selection"),
    "self-bias": Variant("self-bias"),
    "self-correction": Variant("self-correction", _right),
    "verification": Variant("verification"),
    "quality": Variant("semantic-quality"),
    "strategies": Variant("strategies"),
    "named-strategies": Variant("strategies", _named),
    "structure": Variant("structure", without=("available",)),
    "tags": Variant("structure-texts", _available),
    "sycophancy": Variant("sycophancy"),
    "alignment": Variant("alignment-refclipscore"),
    "consistency": Variant("consistency-references", cases.images_and_pixels, ("links",)),
    "graph": Variant("consistency-graph", cases.images_and_pixels, ("references",)),
    "copies": Variant("copies"),
    "subjects": Variant("subjects-references", without=("links",)),
    "subjects-graph": Variant("subjects-graph", without=("references",)),
    "drift": Variant("drift-references"),
    "drift-ssim": Variant("drift-ssim"),
    "style": Variant("style-references"),
    "identity": Variant("identity-subjects"),
    "edits": Variant("edits"),
    "cost": Variant("cost"),
    "cost-scored": Variant("cost-scored"),
    "forgetting": Variant("forgetting-graph"),
    "recency": Variant("recency-graph"),
    "decay": Variant("decay-within"),
    "theil-sen": Variant("decay-theil-sen"),
    "diversity": Variant("diversity"),
    "samples": Variant("samples", _masks),
    "shift": Variant("distribution-shift"),
    "flip": Variant("turn-of-flip", _right),
    "support": Variant("trace-support", _masks),
    "traces": Variant("trace-compliance"),
    "faults": Variant("fault-localization"),
    "repairs": Variant("repair-gain"),
    "retrieval": Variant("retrieval"),
    "gap": Variant("gap"),
    "compliance": Variant("compliance"),
    "switch-cost": Variant("switch-cost"),
    "specificity": Variant("specificity"),
    "verifier": Variant("verifier"),
    "breakdown": Variant("breakdown", lambda d, t: {"group": ["a", "b", "c"] * LINES}, ("lengths",), flat_only=True),
}


@cache
def arguments(padded: bool) -> list[tuple[str, str]]:
    """Variant and argument of everything that is tried."""
    chosen = {name: variant for name, variant in VARIANTS.items() if not (padded and variant.flat_only)}
    return [(name, argument) for name, variant in chosen.items() for argument in variant.batch(padded)]


def divided(variant: Variant) -> Breakdown:
    """The metric by two groups."""
    return Breakdown(variant.make(), ["a", "b"])


def functions() -> Iterator[tuple[str, str]]:
    """Variant and the function that is its metric's counterpart, of the same arguments."""
    for name, variant in VARIANTS.items():
        metric = type(variant.make()).__name__
        found = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in metric)[1:]
        if found in functional.__all__ and found not in ("best_of_n",):
            yield name, found
