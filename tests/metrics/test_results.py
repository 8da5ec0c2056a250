# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What `compute` of every metric gives, in each of its forms: keys that hang on options alone, under one grammar."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import imug_metrics
from imug_metrics import Breakdown, MetricAgreement, TurnDecay
from imug_metrics.suite.named_scores import NamedCost, NamedScore
from tests.metrics.cases import Case, all_cases, metric_cases, places

CASES = all_cases()
ENDS = ("", "_lower", "_upper", "_n")
COUNTS = ("coverage", "n", "dialogues", "later_n")
WITHOUT_CURVE = ("agreement", "agreement-groups", "jury")


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


def result(case: Case, detail: Any, count: int = 24, **options: Any) -> Any:
    return case.feed(case.make(detail=detail, **options), *places(count)).compute()


def same(found: Tensor, expected: Tensor) -> bool:
    return torch.equal(found, expected) or bool(found.isnan() & expected.isnan())


def names_of(case: Case) -> list[str]:
    """Under which names its primary estimates stand."""
    metric = case.make(detail=True)
    if isinstance(metric, Breakdown):
        return [metric.whole.name, *(f"{metric.whole.name}[{group}]" for group in metric.groups)]
    return [metric.name]


def own(case: Case) -> str:
    """The estimate that is the primary one."""
    metric = case.make(detail=True)
    return str(metric.whole.primary if isinstance(metric, Breakdown) else metric.primary)


@pytest.mark.filterwarnings("ignore:The ``compute`` method of metric:UserWarning")
def test_keys_and_their_order_are_the_same_whatever_was_seen(case: Case) -> None:
    full = list(result(case, True))
    few = {1: list(result(case, True, 1)), 3: list(result(case, True, 3))}
    nothing = list(case.make(detail=True).compute())
    later = case.make(detail=True)
    dialogue, turn = places(2)
    later._warned_of_later_turns = True
    case.feed(later, dialogue, turn + 40)
    assert nothing == few[1] == few[3] == full
    assert list(later.compute()) == full


def test_the_interval_is_the_start_of_the_detail_number_for_number(case: Case) -> None:
    compact, full = result(case, "interval"), result(case, True)
    assert list(compact) == [f"{name}{end}" for name in names_of(case) for end in ENDS]
    for key, value in compact.items():
        assert same(value, full[key]), key


def test_the_interval_is_that_of_the_detail_under_other_options() -> None:
    for case in metric_cases().values():
        for options in case.options().values():
            compact, full = result(case, "interval", 5, **options), result(case, True, 5, **options)
            assert all(same(value, full[key]) for key, value in compact.items())


def test_the_primary_estimate_stands_first_and_among_the_others(case: Case) -> None:
    full = result(case, True)
    first, *_ = names_of(case)
    assert list(full)[:3] == [first, f"{first}_lower", f"{first}_upper"]
    for name in names_of(case):
        for end in ("", "_lower", "_upper"):
            assert same(full[f"{name}{end}"], full[f"{name}_{own(case)}{end}"]), end


def test_the_scalar_is_the_primary_estimate(case: Case) -> None:
    scalar, full = result(case, False), result(case, True)
    scalars = scalar if isinstance(scalar, dict) else {names_of(case)[0]: scalar}
    assert list(scalars) == names_of(case)
    for name, value in scalars.items():
        torch.testing.assert_close(value, full[name], rtol=1e-9, atol=1e-12, equal_nan=True, check_dtype=False)


@pytest.mark.parametrize("name", CASES)
def test_no_key_is_outside_the_grammar(name: str) -> None:
    case = CASES[name]
    full = result(case, True)
    counts = [count for count in COUNTS if count != "later_n" or name not in WITHOUT_CURVE]
    for of in names_of(case):
        assert {f"{of}_{count}" for count in counts} <= full.keys()
    for key, value in full.items():
        assert value.ndim == 0
        assert any(key == of or re.match(rf"{re.escape(of)}_[a-zA-Z0-9]", key) for of in names_of(case)), key
        assert not key.endswith("_reason")
        bound = re.fullmatch(r"(.+)_(lower|upper)", key)
        if bound and not bound[1].endswith("_joint"):
            assert bound[1] in full, key
            assert {f"{bound[1]}_lower", f"{bound[1]}_upper"} <= full.keys(), key
    curves = {re.sub(r"\d+\Z", "", key) for key in full if re.search(r"_turn_\d+\Z", key)}
    last = case.make(detail=True)
    turns = (last.whole if isinstance(last, Breakdown) else last).max_turns
    for curve in curves:
        first = 2 if curve in ("turn_distribution_shift_turn_", "identity_verification_turn_") else 1
        points = [key for key in full if re.fullmatch(rf"{re.escape(curve)}\d+", key)]
        assert points == [f"{curve}{turn}" for turn in range(first, turns + 1)]


NAMED_BY_DATA = ("agreement-groups", "strategies", "structure", "structure-texts")


@pytest.mark.parametrize("name", [name for name in metric_cases() if name not in NAMED_BY_DATA])
def test_every_estimate_is_told_of_by_its_class_or_is_one_of_all_metrics(name: str) -> None:
    metric = CASES[name].make(detail=True)
    for key in metric.compute():
        words = re.sub(r"_(lower|upper)\Z", "", key).removeprefix(metric.name).removeprefix("_")
        words = re.sub(r"(_?turn)?_?\d+\Z", "", words)
        if words not in ("", "mean", "slope", metric.primary, *COUNTS):
            assert re.search(rf"[_`]{words}", type(metric).__doc__ or ""), key


def test_all_turns_of_the_curve_are_there_and_nan_where_nobody_scored() -> None:
    metric = TurnDecay(detail=True, max_turns=5)
    metric.update([[0.5, None, 0.25]])
    found = metric.compute()
    assert [found[f"turn_decay_turn_{turn}"].isnan().item() for turn in range(1, 6)] == [False, True, False, True, True]
    assert found["turn_decay_later_n"] == 0
    assert {"turn_decay_slope", "turn_decay_slope_lower", "turn_decay_slope_upper"} <= found.keys()
    assert not [key for key in metric.reasons if "_turn_2" in key or "_turn_4" in key]


@pytest.mark.parametrize("metric", [NamedScore("helpful"), NamedCost("tokens")])
def test_scores_that_records_carry_have_the_same_grammar(metric: Any) -> None:
    empty = list(metric.compute())
    metric.update([[0.5, 0.25], [1.0, 0.5]])
    found = metric.compute()
    assert list(found) == empty
    assert found[metric.name] == found[f"{metric.name}_mean"] == 0.5625
    assert found[f"{metric.name}_slope"] == -0.375


@pytest.mark.parametrize("detail", ["all", "Interval", None, 1, 0.0, np.True_, ("interval",)])
def test_other_forms_are_refused_by_name(detail: Any) -> None:
    with pytest.raises(ValueError, match='`detail` to be False, "interval" or True, got'):
        TurnDecay(detail=detail)
    with pytest.raises(ValueError, match='`detail` to be False, "interval" or True, got'):
        imug_metrics.TurnDistributionShift(4, detail=detail)


def test_states_of_other_forms_are_not_merged() -> None:
    for detail in (False, True):
        with pytest.raises(ValueError, match=r"same configuration|to be"):
            TurnDecay(detail="interval").merge_state(TurnDecay(detail=detail))


def test_the_interval_keeps_no_rows_for_ranks() -> None:
    metric = MetricAgreement(detail="interval")
    metric.update([0.1, 0.4, 0.5, 0.9, 0.8], [1, 2, 4, 5, 3])
    assert "rows" not in metric.metric_state
    assert "metric_agreement_spearman" not in metric.compute()


@pytest.mark.parametrize("label", ["lower", "upper", "reason", "a_lower"])
def test_a_group_is_not_called_as_a_bound(label: str) -> None:
    with pytest.raises(ValueError, match=f"`groups` without {label!r}"):
        MetricAgreement(["a", label])


def test_the_median_slope_stands_beside_the_slope_within_dialogues() -> None:
    scores = torch.rand(12, 4, generator=torch.Generator().manual_seed(0))
    median, within = TurnDecay("theil-sen", detail=True), TurnDecay(detail=True)
    for metric in (median, within):
        metric.update(scores)
    found, expected = median.compute(), within.compute()
    assert found["turn_decay"] == found["turn_decay_theil_sen"] != found["turn_decay_slope"]
    assert found["turn_decay_slope_upper"] == expected["turn_decay_slope_upper"] == expected["turn_decay_upper"]
