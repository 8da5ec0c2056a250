# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""`TraceCompliance` against plain loops over the steps."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from imug_metrics import TraceCompliance
from tests.metrics import cases
from tests.metrics.decay.ragged import found, places
from tests.metrics.interval_reference import share_bounds

STEPS = ("plan", "look", "tell")
CASES = {
    "trace-compliance": cases.Case(lambda **k: TraceCompliance(STEPS, **k), cases.traces, rows="lists"),
}


def _made(**options: Any) -> TraceCompliance:
    return TraceCompliance(STEPS, detail=True, **options)


def _one(*preds: str, cites: list[int] | None = None) -> dict[str, float]:
    values = found(_made(), [list(preds)], [cites or []], dialogue=[1], turn=[1])
    return {key.removeprefix("trace_compliance"): value for key, value in values.items()}


def test_a_trace_with_every_step_in_order_keeps_to_its_form() -> None:
    assert _one(*STEPS, cites=[1, 1])[""] == 1
    assert _one("aside", "plan", "look", "aside", "tell")[""] == 1, "other steps may stand between"


@pytest.mark.parametrize(
    ("steps", "present", "ordered"),
    [
        (("plan", "tell"), 2 / 3, 1),
        (("look", "plan", "tell"), 1, 2 / 3),
        (("tell", "look", "plan"), 1, 0),
        (("plan", "plan", "look", "tell"), 1, 5 / 6),
        (("plan",), 1 / 3, math.nan),
        ((), 0, math.nan),
        (("Plan", "look ", "tell!"), 0, math.nan),
    ],
)
def test_a_trace_that_lacks_repeats_or_moves_a_step_does_not(
    steps: tuple[str, ...], present: float, ordered: float
) -> None:
    values = _one(*steps)
    assert values[""] == 0
    assert values["_present"] == pytest.approx(present)
    assert values["_ordered"] == pytest.approx(ordered, nan_ok=True)


def test_one_citation_that_leads_nowhere_breaks_the_form() -> None:
    values = _one(*STEPS, cites=[1, 1, 0, 1])
    assert (values[""], values["_resolved"], values["_cites"]) == (0, 0.75, 4)


def test_without_citations_there_is_no_share_of_them_and_the_form_stands() -> None:
    values = _one(*STEPS)
    assert (values[""], values["_cites"]) == (1, 0)
    assert math.isnan(values["_resolved"])


def test_citations_may_go_unchecked() -> None:
    values = found(_made(), [list(STEPS), ["plan"]], dialogue=[1, 1], turn=[1, 2])
    assert values["trace_compliance"] == 0.5
    assert math.isnan(values["trace_compliance_resolved"])


def test_absent_traces_and_unknown_citations_lower_the_coverage() -> None:
    rows = [list(STEPS), None, list(STEPS), list(STEPS)]
    columns = {"dialogue": [1, 1, 2, 2], "turn": [1, 2, 1, 2]}
    values = found(_made(), rows, [[1], [], None, [1, math.nan]], **columns)
    assert (values["trace_compliance"], values["trace_compliance_n"], values["trace_compliance_coverage"]) == (
        1,
        1,
        0.25,
    )
    assert values["trace_compliance_cites"] == 1
    zero = found(_made(missing="zero"), rows, **columns)
    assert zero["trace_compliance"] == 0.75


def _recount(rows: list[list[str]], items: list[list[int]]) -> dict[str, float]:
    kept, present, ordered = [], [], []
    for row, cites in zip(rows, items):
        places_of = [STEPS.index(name) for name in row if name in STEPS]
        pairs = [first < second for first, second in combinations(places_of, 2)]
        present.append(len(set(places_of)) / 3)
        ordered += [sum(pairs) / len(pairs)] if pairs else []
        kept.append(float(places_of == [0, 1, 2] and all(cites)))
    every = [cite for cites in items for cite in cites]
    return {
        "": np.mean(kept),
        "_present": np.mean(present),
        "_ordered": np.mean(ordered),
        "_resolved": np.mean(every),
        "_cites": len(every) / len(items),
    }


def test_random_traces_against_a_recount() -> None:
    draw = np.random.default_rng(7)
    dialogue, turn = places(draw, 60)
    names = [*STEPS, "aside"]
    rows = [[names[k] for k in draw.integers(0, 4, draw.integers(0, 6))] for _ in turn]
    rows = [list(STEPS) if draw.random() < 0.5 else row for row in rows]
    items = [draw.integers(0, 20, draw.integers(0, 5)).clip(0, 1).tolist() for _ in turn]
    values = found(_made(), rows, items, dialogue=dialogue, turn=turn)
    for key, value in _recount(rows, items).items():
        assert values[f"trace_compliance{key}"] == pytest.approx(value, abs=1e-12), key
    kept = np.array(
        [
            float(row == list(STEPS) and all(cites))
            for row, cites in zip([[name for name in row if name != "aside"] for row in rows], items)
        ]
    )
    bounds = [values[f"trace_compliance{end}"] for end in ("", "_lower", "_upper")]
    assert bounds == pytest.approx(share_bounds(np.bincount(dialogue, kept), np.bincount(dialogue)), abs=1e-9)


def test_steps_may_be_numbers_and_padded() -> None:
    values = found(TraceCompliance((1, 2), detail=True), [[[1, 2], [2, 1]], [[1], None]], lengths=[2, 1])
    assert (values["trace_compliance"], values["trace_compliance_n"]) == (pytest.approx(1 / 3), 3)


@pytest.mark.parametrize("steps", [(), ("a", "a"), "task", ("a", 1), (1.5,), (True,), (None,)])
def test_steps_that_are_no_different_names_are_refused(steps: Any) -> None:
    with pytest.raises(ValueError, match=r"`steps`: expected different names"):
        TraceCompliance(steps)


@pytest.mark.parametrize(
    ("preds", "message"),
    [
        ([["plan", 3]], "by texts or by numbers, not both, got 3 at row 0"),
        ([["plan"], [None]], "names of steps, .* got None at row 1"),
        ([["plan"], [0.5]], "names of steps, .* got 0.5 at row 1"),
        ([[1]], "to name steps by texts as `steps` does, got 1"),
    ],
)
def test_what_names_no_step_changes_nothing(preds: Any, message: str) -> None:
    metric = _made()
    metric.update([list(STEPS)], dialogue=[1], turn=[1])
    with pytest.raises(ValueError, match=message):
        metric.update(preds, dialogue=[2] * len(preds), turn=[*range(1, len(preds) + 1)])
    assert metric.compute()["trace_compliance_n"] == 1


def test_a_hostile_number_of_steps_is_counted_in_no_time_that_grows_with_its_square() -> None:
    values = found(_made(), [["plan"] * 50_000 + ["tell"] * 50_000], dialogue=[1], turn=[1])
    pairs = 100_000 * 99_999 / 2
    assert values["trace_compliance_ordered"] == pytest.approx(50_000**2 / pairs)
