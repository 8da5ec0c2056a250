# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Metrics by group from rows: the numbers that the metrics themselves give of the group's records."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from imug_metrics import evaluate
from imug_metrics.demo import DemoPaths, write_demo_benchmark
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation import Evaluation
from imug_metrics.protocols import imug
from imug_metrics.protocols.imug.judged import JudgedImage, write_points
from imug_metrics.report.breakdown import MOST_GROUPS, GroupEstimate, breakdown, breakdowns, group_names
from imug_metrics.report.metric_specs import METRICS, MetricSpec, shown_metrics
from imug_metrics.suite import ModelScores

ALIGNMENT = next(view for view in METRICS if view.key == "turn_alignment")
_GROUPED = re.compile(r"(\w+)\[(\w+)=(.*)\]", re.DOTALL)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoPaths:
    return write_demo_benchmark(tmp_path_factory.mktemp("demo"), dialogues=24)


@pytest.fixture(scope="module")
def judged(demo: DemoPaths, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Points of nine of ten images that are there."""
    folder, rng = tmp_path_factory.mktemp("judged"), random.Random(0)
    samples = imug.read_benchmark(demo.benchmark, imug.Problems())
    keys = {sample.dialogue: sample.key for sample in samples}
    counts = {(sample.dialogue, task.turn): len(task.points) for sample in samples for task in sample.tasks}
    for model in demo.models:
        found = [
            JudgedImage(keys[record.dialogue], record.turn, tuple(float(rng.randint(0, 5)) for _ in range(count)))
            for record in imug.read_records(samples, demo.outputs / model, imug.Problems())
            if record.image is not None and (count := counts[record.dialogue, record.turn]) and rng.random() < 0.9
        ]
        write_points(folder, model, found)
    return folder


@pytest.fixture(scope="module", params=["skip", "zero"])
def scored(request: pytest.FixtureRequest, demo: DemoPaths, judged: Path) -> Evaluation:
    return evaluate(
        benchmark=demo.benchmark, outputs=demo.outputs, judged=judged, encoder="scene", missing=request.param
    )


def models(evaluation: Evaluation) -> list[ModelScores]:
    return [result.scores for result in evaluation.results]


def scores_of(name: str, found: GroupEstimate) -> dict[str, float]:
    ends = {"": found.value, "_lower": found.lower, "_upper": found.upper}
    counts = {"_n": float(found.records), "_dialogues": float(found.dialogues)}
    return {f"{name}{end}": value for end, value in {**ends, **counts}.items()}


def test_a_group_that_holds_all_records_has_the_score_itself(scored: Evaluation) -> None:
    seen = set()
    for model in models(scored):
        rows = [{**row, "own": "all"} for row in model.items]
        for view in shown_metrics([model]):
            if view.item and view.is_mean:
                [found] = breakdown(replace(model, items=rows), view, "own").values()
                expected = {**scores_of(view.key, found), f"{view.key}_coverage": found.coverage}
                assert {key: model.scores[key] for key in expected} == pytest.approx(expected, nan_ok=True), view.key
                seen.add(view.key)
    assert seen == {view.key for view in METRICS}


def test_scores_that_are_broken_down_by_class_and_domain_come_to_the_same(scored: Evaluation) -> None:
    seen = set()
    for model in models(scored):
        views = {view.key: view for view in shown_metrics([model])}
        for key, value in model.scores.items():
            match = _GROUPED.fullmatch(key)
            if match is None:
                continue
            found = breakdown(model, views[match[1]], match[2])[match[3]]
            assert value == pytest.approx(found.value), key
            for name, expected in scores_of(key, found).items():
                assert model.scores[name] == pytest.approx(expected, nan_ok=True), name
            seen.add((match[1], match[2]))
    assert len(seen) == 8


def test_every_metric_is_broken_down_by_every_kind_of_group(scored: Evaluation) -> None:
    found = {grouping.group: grouping for grouping in breakdowns(models(scored))}
    assert [*found][:3] == ["class", "domain", "subdomain"]
    assert {of.metric.key for of in found["class"].metrics} == {view.key for view in METRICS}
    for grouping in found.values():
        for of in grouping.metrics:
            assert len(of.estimates) == len(scored.results)
            for model, estimates in zip(models(scored), of.estimates, strict=True):
                alone = breakdown(model, of.metric, grouping.group)
                assert repr(estimates) == repr({name: alone[name] for name in grouping.names if name in alone})


def row(dialogue: Any, group: str | None, value: float | None, **more: Any) -> dict[str, Any]:
    own = {} if group is None else {"split": group}
    return {"dialogue": dialogue, "turn": 1, "modality": "image", "image": "a.png", "alignment": value, **own, **more}


def model(rows: list[dict[str, Any]], scores: Mapping[str, float] | None = None) -> ModelScores:
    return ModelScores("mine", {"turn_alignment": 0.5} if scores is None else dict(scores), rows)


def test_rows_without_a_group_are_in_none_and_groups_without_a_value_are_left_out() -> None:
    rows = [row(1, "a", 0.5), row(2, None, 1.0), row(3, "b", None, image=None), row(4, "a", None, image=None)]
    found = breakdown(model(rows), ALIGNMENT, "split")
    assert [*found] == ["a"]
    assert (found["a"].value, found["a"].records, found["a"].coverage) == (0.5, 1, 0.5)


def test_fewer_than_twenty_dialogues_are_flagged() -> None:
    rows = [row(d, "few" if d < 19 else "enough", d % 4 / 4) for d in range(39)]
    found = breakdown(model(rows), ALIGNMENT, "split")
    assert {name: (mean.dialogues, mean.is_approximate) for name, mean in found.items()} == {
        "few": (19, True),
        "enough": (20, False),
    }


def test_of_very_many_groups_the_largest_are_kept_and_the_rest_counted() -> None:
    rows = [row(d, f"g{d:03}", 0.5) for d in range(80)] + [row(100 + d, f"g{d:03}", 1.0) for d in range(25, 80)]
    [found] = breakdowns([model(rows)])
    assert found.names == tuple(f"g{d:03}" for d in range(25, 75))
    assert (len(found.names), found.left_out) == (MOST_GROUPS, 30)
    assert tuple(found.metrics[0].estimates[0]) == found.names


@pytest.mark.parametrize("name", ["", "<b>", "a]=b[", "nan", "x" * 5000, "\ud800", "\0"])
def test_groups_are_named_by_any_text(name: str) -> None:
    found = breakdown(model([row(1, name, 0.5), row(2, "other", 0.25)]), ALIGNMENT, "split")
    assert found[name].value == 0.5


def test_one_group_alone_is_no_breakdown() -> None:
    assert breakdowns([model([row(1, "a", 0.5), row(2, "a", 0.25)])]) == []
    assert breakdowns([model([row(1, "a", 0.5), row(2, "b", None)])]) == []


def test_columns_that_say_what_a_record_is_are_no_groups() -> None:
    rows = [row(1, "a", 0.5, prompt="x", target="A", read="A", reading="answer", points=[1.0], text="A")]
    assert group_names([model(rows)]) == ["modality", "split"]


def test_kinds_of_groups_come_in_a_fixed_order() -> None:
    rows = [row(1, "a", 0.5, **dict.fromkeys(("zoo", "question", "difficulty", "subdomain", "domain", "class"), "x"))]
    names = ["class", "domain", "subdomain", "modality", "difficulty", "question", "split", "zoo"]
    assert group_names([model(rows)]) == names


def test_what_is_no_mean_of_a_column_is_refused() -> None:
    view = MetricSpec("gap", "", "", False, "Gap", "gap", "", "")
    with pytest.raises(ArgumentError, match="gap"):
        breakdown(model([row(1, "a", 0.5)]), view, "split")


def test_bounds_of_groups_stay_in_the_range_of_the_metric() -> None:
    rows = [row(d, "a", 2.5 if d else 2.4) for d in range(4)]
    found = breakdown(model(rows), ALIGNMENT, "split")["a"]
    assert 0 <= found.lower <= found.value <= found.upper <= 2.5
    assert not math.isnan(found.lower)


def test_rows_of_a_dialogue_count_together_in_each_group_wherever_they_stand() -> None:
    rows = [row(d, "ab"[t % 2], v, turn=t) for t in range(4) for d, v in (("x", 0.2 * t), (7, 1.0))]
    found = breakdown(model(rows), ALIGNMENT, "split")
    assert [(mean.records, mean.dialogues) for mean in found.values()] == [(4, 2), (4, 2)]
    assert [mean.value for mean in found.values()] == pytest.approx([(0 + 0.4 + 2) / 4, (0.2 + 0.6 + 2) / 4])


def test_columns_tell_how_many_of_their_rows_have_a_value() -> None:
    counts = model([row(1, "a", 0.0), row(2, None, None)]).counts
    assert (counts["alignment"], counts["split"], counts["dialogue"]) == (1, 1, 2)


def test_levels_of_difficulty_rise_and_other_groups_are_in_alphabetical_order() -> None:
    levels = [row(place, name, 0.5) for place, name in enumerate(("hard", "easy", "medium"))]
    assert [*breakdown(model(levels), ALIGNMENT, "split")] == ["easy", "medium", "hard"]
    assert [*breakdown(model([*levels, row(9, "extra", 0.5)]), ALIGNMENT, "split")] == [
        "easy", "extra", "hard", "medium"
    ]  # fmt: skip
