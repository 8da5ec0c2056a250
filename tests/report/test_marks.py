# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Marks: each for its own reason, with numbers that the metrics give where absent outputs count as zero."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from imug_metrics.encoders import CallableEncoder
from imug_metrics.report.marks import (
    chance,
    coverage,
    lowest_coverage,
    marks,
    slope_marks,
    with_absent_as_zero,
    without_absent,
)
from imug_metrics.report.metric_specs import METRICS, MetricSpec
from imug_metrics.report.tables.cells import is_covered
from imug_metrics.suite import ModelScores, Record, score_records

VIEWS = {view.key: view for view in METRICS}
ALIGNMENT, RETRIEVAL, CONSISTENCY = (VIEWS[f"turn_{key}"] for key in ("alignment", "retrieval", "consistency"))
STRICT = VIEWS["answer_accuracy"]


def bounded(key: str, value: float, lower: float, upper: float, **more: float) -> dict[str, float]:
    return {key: value, f"{key}_lower": lower, f"{key}_upper": upper, **more}


def kinds(view: MetricSpec, scores: dict[str, float], items: Any = ()) -> list[str]:
    return [mark.kind for mark in marks(ModelScores("any", scores, list(items)), view)]


@pytest.mark.parametrize(("share", "marked"), [(0.94, True), (0.949999, True), (0.95, False), (1.0, False)])
def test_outputs_left_out_are_marked_below_the_least_coverage(share: float, marked: bool) -> None:
    assert kinds(ALIGNMENT, {"turn_alignment": 0.5, "turn_alignment_coverage": share}) == ["coverage"] * marked


def test_a_share_of_outputs_is_rounded_towards_not_all() -> None:
    [mark] = marks(ModelScores("any", {"turn_alignment": 2.0, "turn_alignment_coverage": 0.9499}, []), ALIGNMENT)
    assert mark == ("!", "coverage", "94 % of the outputs were scored; with the others as 0 it is 1.90")


def test_without_a_score_or_a_coverage_nothing_is_marked() -> None:
    assert kinds(ALIGNMENT, {"turn_alignment": math.nan, "turn_alignment_coverage": 0.1}) == []
    assert kinds(ALIGNMENT, {"turn_alignment": 0.5}) == []
    assert kinds(ALIGNMENT, {}) == []


@pytest.mark.parametrize(("lower", "expected"), [(0.39, ["chance"]), (0.4, ["chance"]), (0.41, [])])
def test_retrieval_is_marked_where_its_bounds_reach_chance(lower: float, expected: list[str]) -> None:
    scores = bounded("turn_retrieval", 0.5, lower, 0.7, turn_retrieval_chance=0.4)
    assert kinds(RETRIEVAL, scores) == expected
    assert [mark.kind for mark in slope_marks(ModelScores("any", scores, []), ALIGNMENT)] == expected


def test_the_mark_says_what_chance_is() -> None:
    scores = bounded("turn_retrieval", 0.5, 0.3, 0.7, turn_retrieval_chance=0.4)
    [mark] = marks(ModelScores("any", scores, []), RETRIEVAL)
    assert mark.text == "not above chance: guessing among the prompts scores 0.40"
    [mark] = marks(ModelScores("any", bounded("answer_accuracy", 0.9, 0.8, 1.0), asked("A", "A")), STRICT)
    assert mark.text == "not above chance: always the same letter scores 1.00"


def test_without_bounds_chance_is_not_spoken_of() -> None:
    assert kinds(RETRIEVAL, {"turn_retrieval": 0.1, "turn_retrieval_chance": 0.4}) == []


@pytest.mark.parametrize(("rate", "expected"), [(0.5, []), (0.51, ["copies"]), (1.0, ["copies"])])
def test_only_the_consistency_of_a_model_that_repeats_itself_is_marked(rate: float, expected: list[str]) -> None:
    scores = {"turn_consistency": 1.0, "turn_consistency_copy_rate": rate, "turn_alignment": 0.5}
    assert kinds(CONSISTENCY, scores) == expected
    assert kinds(ALIGNMENT, scores) == []


def asked(*keys: str | None) -> list[dict[str, Any]]:
    return [{"target": key, "answer_strict": 0.5, "modality": "text"} for key in keys]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (["A", "A", "B", "C"], 0.5),
        (["A", "B"], 0.5),
        (["A", "B", "C", "D"], 0.25),
        (["AB", "B"], 0.75),  # the letter B: a half of the first key and the whole of the second
        (["C"], 1.0),
    ],
)
def test_chance_of_answers_is_the_best_constant_letter(keys: list[str], expected: float) -> None:
    model = ModelScores("any", {}, asked(*keys))
    assert chance(model, STRICT) == pytest.approx(expected)
    constant = max(_constant(letter, keys) for letter in "ABCD")
    assert chance(model, STRICT) == pytest.approx(constant), "what the metric gives such a model"


def _constant(letter: str, keys: list[str]) -> float:
    records = [Record("a", turn, "text", "Which?", text=letter, target=key) for turn, key in enumerate(keys, 1)]
    return score_records(records, model="constant", encoder=None).scores["answer_accuracy"]


def test_chance_is_unknown_without_keys_and_only_scored_answers_count() -> None:
    assert math.isnan(chance(ModelScores("any", {}, []), STRICT))
    assert math.isnan(chance(ModelScores("any", {}, asked("A", None)), STRICT))
    assert math.isnan(chance(ModelScores("any", {}, asked("A")), ALIGNMENT))
    absent = [*asked("A", "B"), {"target": "B", "answer_strict": None, "modality": "text"}]
    assert chance(ModelScores("any", {}, absent), STRICT) == 0.5


def test_the_lowest_coverage_is_that_of_the_metrics_that_have_one() -> None:
    model = ModelScores("any", {"turn_alignment_coverage": 0.9, "turn_retrieval_coverage": 0.7}, [])
    assert lowest_coverage(model, METRICS) == 0.7
    assert coverage(model, ALIGNMENT) == 0.9
    assert math.isnan(lowest_coverage(model, [STRICT]))
    assert is_covered(math.nan)


def lacking(folder: Path) -> list[Record]:
    """Dialogues of three answers and three images, of which some are absent."""
    found, rng = [], torch.Generator().manual_seed(3)
    for place in range(8):
        for turn in range(1, 7):
            gone = bool(torch.rand((), generator=rng) < 0.3)
            colour = tuple(torch.randint(0, 255, (3,), generator=rng).tolist())
            if turn % 2:
                text = None if gone else "ABC"[int(torch.randint(0, 3, (), generator=rng))]
                found.append(Record(f"d{place}", turn, "text", "Which?", text=text, target="A"))
            else:
                path = folder / f"{place}-{turn}.png"
                Image.new("RGB", (8, 8), colour).save(path)
                prompt = "ae" * turn + "o" * place
                found.append(Record(f"d{place}", turn, "image", prompt, image=None if gone else path))
    return found


def colours() -> CallableEncoder:
    return CallableEncoder(
        lambda images: torch.stack([image.double().mean((1, 2)) / 255 for image in images]),
        lambda texts: torch.tensor([[text.count(c) + 1.0 for c in "aeo"] for text in texts], dtype=torch.float64),
        name="colours",
        fingerprint="colours",
        dim=3,
    )


@pytest.mark.parametrize("key", ["answer_accuracy", "turn_alignment", "turn_retrieval"])
def test_absent_as_zero_is_what_the_metric_gives_that_counts_them_so(key: str, tmp_path: Path) -> None:
    records, encoder = lacking(tmp_path), colours()
    skipped, zero = (
        score_records(records, model="m", encoder=encoder, missing=missing) for missing in ("skip", "zero")
    )
    assert 0.4 < coverage(skipped, VIEWS[key]) < 0.9, "the test is of absent outputs"
    assert with_absent_as_zero(skipped, VIEWS[key]) == pytest.approx(zero.scores[key], rel=1e-12)
    assert with_absent_as_zero(zero, VIEWS[key]) == pytest.approx(zero.scores[key], rel=1e-12), "not counted twice"
    assert without_absent(zero, VIEWS[key]) == pytest.approx(skipped.scores[key], rel=1e-12)
    texts = [next(m.text for m in marks(model, VIEWS[key]) if m.kind == "coverage") for model in (skipped, zero)]
    assert f"with the others as 0 it is {zero.scores[key]:.2f}" in texts[0]
    assert f"the others count 0; without them it is {skipped.scores[key]:.2f}" in texts[1]


def test_a_complete_model_is_the_same_either_way(tmp_path: Path) -> None:
    records = [replace(record, text=record.text or "B") for record in lacking(tmp_path) if record.modality == "text"]
    model = score_records(records, model="m", encoder=None)
    assert with_absent_as_zero(model, STRICT) == without_absent(model, STRICT) == model.scores["answer_accuracy"]


@pytest.mark.parametrize(("lower", "marked"), [(0.99, True), (0.96, True), (0.94, False)])
def test_few_outputs_left_out_are_marked_where_they_could_move_the_score_out_of_its_interval(
    lower: float, marked: bool
) -> None:
    """Who leaves out exactly what it would get wrong needs to leave out but little."""
    scores = bounded("answer_accuracy", 1.0, lower, 1.0, answer_accuracy_coverage=0.953)
    assert kinds(STRICT, scores) == (["coverage"] if marked else [])
