# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What every metric says of itself is so: its range holds, its direction is that of its values, its page says it."""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from torchmetrics import MeanMetric, Metric

import imug_metrics
from imug_metrics import (
    AnswerAccuracy,
    Breakdown,
    DialogueMetric,
    PointScore,
    TurnAlignment,
    TurnConsistency,
    TurnDecay,
)
from imug_metrics.metrics.description import MetricDescription, describe
from imug_metrics.report.files import to_json
from tests.metrics.cases import metric_cases, places

DOCS = Path(__file__).resolve().parents[2] / "docs" / "metrics"
CASES = metric_cases()
CLASSES = [
    found
    for found in (getattr(imug_metrics, name) for name in imug_metrics.__all__)
    if isinstance(found, type) and issubclass(found, DialogueMetric) and found is not DialogueMetric
]


def test_there_is_a_case_of_every_class() -> None:
    assert {type(case.make()) for case in CASES.values()} == set(CLASSES)
    assert len(CLASSES) >= 29


@pytest.mark.parametrize("metric", CLASSES)
def test_every_class_has_a_description_of_its_own(metric: type[DialogueMetric]) -> None:
    stated = vars(metric).get("description")
    assert isinstance(stated, MetricDescription)
    assert (stated.name, stated.higher_is_better) == ("", None), "the class says these already"
    for text in (stated.meaning, stated.misleads):
        assert re.fullmatch(r"[A-Z].{20,300}\.", text, re.S), text
    assert 3 <= len(stated.label) <= 30
    assert stated.noun[0].islower()
    assert stated.measures
    assert stated.unit


def test_labels_and_nouns_tell_the_classes_apart() -> None:
    for of in ("label", "noun", "meaning"):
        assert len({getattr(metric.description, of) for metric in CLASSES}) == len(CLASSES)


@pytest.mark.parametrize("metric", CLASSES)
def test_the_page_of_a_metric_says_what_its_class_says(metric: type[DialogueMetric]) -> None:
    text = (DOCS / f"{metric.__module__.rpartition('.')[2]}.md").read_text(encoding="utf-8")
    stated = metric.description
    assert stated is not None
    for row, said in (("range", stated.range), ("direction", stated.direction), ("primary", stated.measures)):
        assert f"\n| {row} | {said} |\n" in text


@pytest.mark.parametrize("name", CASES)
def test_the_range_holds_whatever_the_values(name: str) -> None:
    case = CASES[name]
    for seed in range(8):
        metric = case.make()
        found = metric.describe()
        case.feed(metric, *places(2 + seed, seed))
        value = metric.compute()
        value = float(value[metric.name] if isinstance(value, dict) else value)
        assert math.isnan(value) or found.low - 1e-9 <= value <= found.high + 1e-9


@pytest.mark.parametrize("name", CASES)
def test_direction_and_name_are_those_of_the_class(name: str) -> None:
    metric = CASES[name].make()
    found = describe(metric)
    assert found.name == metric.name
    assert found.higher_is_better is metric.higher_is_better or found.label == "Contraction"
    words = {True: r"^(by measure; of the gain, )?higher is", False: r"^lower is better", None: r"^(0 is|below 1)"}
    assert re.search(words[found.higher_is_better], found.direction)


EYE, ONES, ZEROS, HALVES = torch.eye(2), torch.ones(2), torch.zeros(2), torch.full((2,), 0.5)
KNOWN = {"before": ["A", "B"], "target": ["A", "B"], "suggested": ["C", "C"]}
ENDS = {  # by a case, columns that are as good as they can be, and as bad
    "points": ({"items": torch.full((2, 3), 5.0)}, {"items": torch.zeros(2, 3)}),
    "paired-gain": ({"scores": ONES, "baseline": ZEROS}, {"scores": -ONES, "baseline": ZEROS}),
    "decay-within": ({"scores": torch.tensor([0.0, 1.0])}, {"scores": torch.tensor([1.0, 0.0])}),
    "accuracy-strict": ({"preds": ["A", "B"], "target": ["A", "B"]}, {"preds": ["B", "A"], "target": ["A", "B"]}),
    "retrieval": ({"images": EYE, "texts": EYE}, {"images": EYE, "texts": EYE.flip(0)}),
    "alignment-clipscore": ({"images": EYE, "texts": EYE}, {"images": EYE, "texts": -EYE}),
    "consistency-pairwise": ({"images": torch.ones(2, 2)}, {"images": torch.tensor([[1.0, 0.0], [-1.0, 0.0]])}),
    "exposure-bias": ({"scores": ONES, "baseline": HALVES}, {"scores": ZEROS, "baseline": HALVES}),
    "sycophancy": ({"preds": ["A", "B"], **KNOWN}, {"preds": ["C", "C"], **KNOWN}),
}


@pytest.mark.parametrize("name", ENDS)
def test_the_better_of_two_is_where_the_direction_says(name: str) -> None:
    values = []
    for columns in ENDS[name]:
        metric = CASES[name].make()
        metric.update(**columns, dialogue=torch.tensor([1, 1]), turn=torch.tensor([1, 2]))
        value = metric.compute()
        values.append(float(value[metric.name] if isinstance(value, dict) else value))
    good, bad = values
    assert (good > bad) == describe(CASES[name].make()).higher_is_better


OPTIONS = [
    (TurnAlignment(), (0.0, 2.5), "0 to 2.5"),
    (TurnAlignment(variant="cosine"), (-1.0, 1.0), "-1 to 1"),
    (TurnAlignment(variant="torchmetrics"), (0.0, 100.0), "0 to 100"),
    (TurnAlignment(variant="siglip", scale=1.0, bias=0.0), (0.0, 1.0), "0 to 1"),
    (TurnConsistency(mode="vbench"), (0.0, 1.0), "0 to 1"),
    (TurnConsistency(), (-1.0, 1.0), "-1 to 1"),
    (PointScore(), (0.0, 1.0), "0 to 1"),
    (PointScore(protocol="imug"), (0.0, 1.0), "0 to 1 (a 9 of 5 leaves it)"),
    (imug_metrics.Reliability(scale=100.0), (0.0, 100.0), "0 to 100"),
    (imug_metrics.TurnOfFlip(max_turns=5), (0.0, 5.0), "0 to 5"),
    (imug_metrics.LoopConvergence("monotone"), (0.0, 1.0), "0 to 1"),
    (imug_metrics.LoopConvergence("oscillation"), (0.0, 1.0), "0 to 1"),
]


@pytest.mark.parametrize(("metric", "ends", "words"), OPTIONS)
def test_the_range_is_that_of_the_options(metric: DialogueMetric, ends: tuple[float, float], words: str) -> None:
    found = metric.describe()
    assert (found.low, found.high) == ends
    assert found.range == words


def test_what_it_means_hangs_on_the_options() -> None:
    variants = [
        TurnAlignment(variant=name).describe() for name in ("clipscore", "cosine", "torchmetrics", "refclipscore")
    ]
    modes = [TurnConsistency(mode=name).describe() for name in ("pairwise", "anchor", "consecutive", "graph", "vbench")]
    kinds = [AnswerAccuracy(kind).describe() for kind in ("choice", "exact", "numeric", "f1")]
    for group in (variants, modes, kinds):
        assert len({found.meaning for found in group}) == len(group)
    assert AnswerAccuracy(protocol="imug").describe().label != AnswerAccuracy().describe().label


def test_a_metric_that_does_not_describe_itself_is_told_by_its_class() -> None:
    class Loudness(Metric):
        """How loud it is.

        More of it.
        """

        higher_is_better = False

        def update(self) -> None: ...

        def compute(self) -> None: ...

    class Warmth(DialogueMetric):
        """How warm it is."""

        name = "warmth"

        def update(self) -> None: ...

    found = describe(Loudness())
    assert (found.name, found.label, found.meaning) == ("Loudness", "Loudness", "How loud it is.")
    assert (found.direction, found.range) == ("lower is better", "unbounded")
    assert describe(MeanMetric()).direction == "not known"
    own = describe(Warmth())
    assert (own.name, own.label, own.meaning, own.higher_is_better) == ("warmth", "warmth", "How warm it is.", True)
    assert own.is_mean


def test_a_breakdown_is_read_as_its_metric() -> None:
    inside = TurnDecay()
    assert describe(Breakdown(inside, ["a"])) == inside.describe()


@pytest.mark.parametrize("name", CASES)
def test_a_description_is_the_same_from_json(name: str) -> None:
    found = CASES[name].make().describe()
    assert MetricDescription.from_json(json.loads(json.dumps(to_json(asdict(found)), allow_nan=False))) == found
