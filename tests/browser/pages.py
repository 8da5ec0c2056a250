# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The pages that the browser opens: every kind there is, each with what makes pages break."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

import imug_metrics
from imug_metrics import Record
from imug_metrics.encoders import CallableEncoder
from imug_metrics.metrics.scaling.best_of_n import BestOfN
from imug_metrics.metrics.scaling.strategy_comparison import compare_strategies
from imug_metrics.report import RuleRow, write_report
from imug_metrics.report.scaling import Part, Scaling, write_scaling
from imug_metrics.report.unim import write_unim_report
from imug_metrics.suite import ModelScores
from imug_metrics.suite.scores import metric_scores
from tests.report.conftest import synthetic_scores
from tests.report.large import large_scores

LONG = "a-model-whose-name-nobody-would-want-to-type-instruct-fp8-2026"
RULES = [
    RuleRow("letters", "all", "those meant", "an article is no choice", {"steady": 3, "fading": 0}),
    RuleRow("rounding", "4 places", "none", "nothing is gained", {"steady": 0}),
]
AGREEMENT = {"alpha": 0.81, "alpha_lower": 0.7, "alpha_upper": 0.9, "units": 40.0, "spread": 0.2, "human_pearson": 0.6}
JUDGES = {"steady": {"answers": 1200, "failures": {"image: busy": 2}, "agreement": {"points": AGREEMENT}}}

Written = Callable[[Path], Path]


def one_model(out: Path) -> Path:
    return write_report(large_scores(1, 6, 3), out, manifest={"encoder": {"name": "scene"}})


def three_models(out: Path) -> Path:
    """With judged points, rules of a protocol, and missing outputs."""
    models = [
        _judged("steady", start=0.9),
        _judged("fading", start=0.9, slope=-0.08),
        _judged("copying", start=0.6, slope=-0.04, copy_rate=0.97, consistency=0.99),
    ]
    models[1].scores["turn_alignment_coverage"] = 0.6
    models[2] = replace(models[2], reasons={"turn_alignment": "fewer than 2 effective dialogues carry it"})
    models[2].scores.update(dict.fromkeys(("turn_alignment_lower", "turn_alignment_upper"), float("nan")))
    for item in models[1].items[:10]:
        item["image"] = item["text"] = item["alignment"] = None
    return write_report(models, out, manifest={"note": "<b>&"}, rules=RULES, judges=JUDGES)


def many_models(out: Path) -> Path:
    """More than there are colours, one name too long for any column."""
    models = large_scores(9, 2, 2)
    return write_report([*models, replace(models[0], model=LONG)], out, manifest={})


def own_metrics(out: Path) -> Path:
    """A score that records carry, in dialogues of twenty turns, with groups of the user's own."""
    rng = random.Random(0)
    records = [
        Record(f"d{d}", turn, "text", "Which?", text=rng.choice("AB"), target="A", scores={"mine": rng.random()})
        for d in range(4)
        for turn in range(1, 21)
    ]
    encoder = CallableEncoder(lambda images: torch.ones(len(images), 3), lambda texts: torch.ones(len(texts), 3))
    return imug_metrics.evaluate({"own": records}, encoder=encoder).report(out)


def without_images(out: Path) -> Path:
    models = [synthetic_scores(name, None, dialogues=2, turns=2) for name in ("left", "right")]
    return write_report(models, out, manifest={})


def unim(out: Path) -> Path:
    scores = {"structure_integrity": 0.5, "structure_integrity_lower": 0.4, "structure_integrity_upper": 0.6}
    scores |= {
        "structure_integrity_image": 0.7,
        "structure_integrity_relative": 0.4,
        "structure_integrity_support": 0.9,
    }
    scores |= {"semantic_quality": 0.3, "semantic_quality_n": 1, "structure_integrity_n": 2}
    groups = [
        {"by": by, "name": name, "instances": 3, "answered": 2, **scores}
        for by, name in (("all", "all instances"), ("field", "science"), ("field", "general"), ("domain", "<i>cooking"))
    ]
    counts = {"image": 2, "audio": 0}
    items = [
        {
            "field": "general",
            "domain": "d",
            "id": str(i),
            "strict": i / 4,
            "lenient": 1.0,
            "counts": counts,
            "asked": counts,
        }
        for i in range(6)
    ]
    problem = {"file": "answers.jsonl", "line": 3, "field": "id", "message": "no such instance"}
    out.mkdir(parents=True, exist_ok=True)
    return write_unim_report(groups, items, out, manifest={"seed": 0}, problems=[problem], version="1")[0]


def scaling(out: Path) -> Path:
    draw = torch.Generator().manual_seed(0)
    dialogue = [f"d{d}" for d in range(12) for _ in range(4)]
    turn = [1, 2, 3, 4] * 12
    final = {name: torch.rand(48, generator=draw, dtype=torch.float64) for name in ("plain", "chain", "best of 4")}
    groups = {"class": [f"class {d[-1]}" for d in dialogue], "domain": ["one"] * 48, "turn": [str(t) for t in turn]}
    costs: Mapping[str, Any] = {"tokens": {name: [100.0 + i] * 48 for i, name in enumerate(final)}}
    places = {"dialogue": dialogue, "turn": turn}
    found = compare_strategies(final, **places, costs=costs, groups=groups, baseline="plain", max_turns=16)
    metric = BestOfN(4, detail=True)
    metric.update(torch.rand(48, 4, generator=draw), torch.rand(48, 4, generator=draw), **places)
    curves = {"best of 4": metric_scores(metric) | {f"best_of_n_records_{k}": 48.0 for k in range(1, 5)}}
    parts = (Part("answers", "Accuracy of answers", ("tokens",), found, curves),)
    out.mkdir(parents=True, exist_ok=True)
    return write_scaling(Scaling(tuple(final), "plain", parts), out, {"imug_metrics": "1"})


PAGES: dict[str, Written] = {
    made.__name__: made for made in (one_model, three_models, many_models, own_metrics, without_images, unim, scaling)
}


def _judged(name: str, **options: Any) -> ModelScores:
    return synthetic_scores(name, None, dialogues=4, turns=3, judged=True, **options)
