# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""An infinite number is refused where a range is checked, and counts elsewhere as NaN does: not given.

What is not given is in no mean, and lowers the coverage; or it is refused; or it concerns named parts of the detail
alone, as the vocabulary says.
"""

from __future__ import annotations

import math
from contextlib import nullcontext
from fnmatch import fnmatch
from typing import Any

import pytest
import torch
from torch import Tensor

from imug_metrics.errors import InputError
from tests.metrics.arguments import LINES, ROWS, TURNS, VARIANTS
from tests.metrics.cases import metric_cases, places

CASES = metric_cases()
ORDERS_ONLY = {"best-of-n", "selection", "selection-probabilities", "verifier"}  # scores of a selector may be infinite
LARGEST = 1e12  # no result of these inputs comes near

pytestmark = pytest.mark.filterwarnings("ignore:The ``compute`` method")


def columns_of(name: str) -> list[str]:
    """Arguments of a case that are numbers; row numbers and integer codes have no infinity."""
    batch = CASES[name].columns(*places(4))
    return [
        key
        for key, value in batch.items()
        if isinstance(value, Tensor) and key != "links" and not (name == "grid" and key in ("preds", "target"))
    ]


COLUMNS = [(name, key) for name in CASES for key in columns_of(name)]


def result(name: str, key: str, value: float, validate: bool) -> dict[str, Tensor] | str:
    """What the metric gives with a value in six rows of an argument, or why it refuses them."""
    dialogue, turn = places()
    batch: dict[str, Any] = CASES[name].columns(dialogue, turn)
    column = batch[key] if batch[key].is_floating_point() else batch[key].double()
    changed = column.clone()
    changed.view(len(column), -1)[3:40:7, 0] = value
    metric = CASES[name].make(detail=True, validate=validate)
    try:
        metric.update(**{**batch, key: changed}, dialogue=dialogue, turn=turn)
    except ValueError as error:
        return str(error)
    return metric.compute()


@pytest.mark.parametrize("validate", [True, False])
@pytest.mark.parametrize(("name", "key"), COLUMNS)
def test_infinity_is_refused_or_counts_as_nan(name: str, key: str, validate: bool) -> None:
    unknown = result(name, key, math.nan, validate)
    for value in (math.inf, -math.inf):
        found = result(name, key, value, validate)
        if isinstance(found, str):
            assert f"`{key}`" in found
            continue
        refused = isinstance(result(name, key, math.copysign(LARGEST, value), validate), str)
        assert not refused or name in ORDERS_ONLY, "a range is checked"
        assert not isinstance(unknown, str), "what is refused as NaN cannot be taken as infinity"
        assert found.keys() == unknown.keys()
        for entry, number in found.items():
            assert not number.abs() > LARGEST, entry
            if name not in ORDERS_ONLY:
                torch.testing.assert_close(number, unknown[entry], rtol=1e-9, atol=1e-9, equal_nan=True, msg=entry)


def test_numbers_of_every_metric_are_tried() -> None:
    assert len(COLUMNS) > 60


# Arguments of parts of the detail: what begins with one of these changes, and nothing else.
PARTS: dict[str, tuple[str, ...]] = {
    "*.support": ("_support", "_relative", "_lenient_relative"),
    "copies.references": ("_angle",),
    "copies.*ixels": ("",),  # pairs without pixels are judged by their embeddings,
    "copies.shown": ("",),  # and where nothing was shown, images by the earlier ones
    "*.pixels": ("_pixel_copy_rate",),
    "subjects*.background": ("_background", "_gap", "_leakage"),
    "style.whole": ("_content", "_per_content", "_matched_slope", "_beyond_content"),
    "subjects*.whole": ("_whole", "_swap_rate", "_leakage"),
    "subjects*.swapped": ("_swap_rate",),
    "cost-scored.scores": ("_score", "_per_point"),
    "repairs.costs": ("_cost", "_rerun", "_gain_per_cost"),
    "*strategies.costs": ("_cost_", "_per_", "_front_"),
    "identity.group": ("_hard",),
    "agreement.group": ("_within", "_between", "_pearson_", "_spearman_", "_kendall_"),
    "checklist.categories": ("_category_",),
    "checklist.ages": ("_new", "_kept", "_age_"),
    "specificity.preds": ("_right", "_correlation"),
    "specificity.target": ("_right", "_correlation"),
}
PLACES = ("dialogue", "turn", "subject", "valid", "lengths", "links", "masks", "counts")  # integers and booleans
OTHER_PLACES = (1, 5, 9)  # records whose value is unknown


def numbers_of(name: str) -> list[str]:
    batch = VARIANTS[name].batch()
    return [
        key for key, value in batch.items() if key not in PLACES and isinstance(value, Tensor | dict) and name != "grid"
    ]


NUMBERS = [(name, argument) for name in VARIANTS if name != "breakdown" for argument in numbers_of(name)]


MAY_BE_INFINITE = ("best-of-n.selector", "verifier.scores")
REFUSED = ("gap.modality", "context.context_lengths", "edits.noop")  # a record with a score has to have them
REFUSED += ("forgetting.modality", "recency.modality")  # and every record where images may be asked of some
REFUSED += ("compliance.modality", "switch-cost.modality", "checklist.weights")
NOT_EXPECTED = ("edits.editable",)  # a record of which nothing is known is not expected to have a value
IN_A_RANGE = ("exposure-bias.*", "coherence.*", "quality.*", "*.support", "*.items", "structure.*", "*.pixels")
IN_A_RANGE += ("checklist.*", "*.shown_pixels", "drift-ssim.*", "edits.*", "verification.*", "verifier.target")
IN_A_RANGE += ("agreement.group", "policy.preds", "compliance.preds", "faults.target")


def is_refused(name: str, argument: str, number: float) -> bool:
    place = f"{name}.{argument}"
    below = number == -math.inf and fnmatch(place, "*.costs")
    return place in REFUSED or below or (math.isinf(number) and any(fnmatch(place, one) for one in IN_A_RANGE))


def unknown(value: Any, number: float, padded: bool) -> Any:
    """A column in which some records are unknown; of columns by name the first."""
    if isinstance(value, dict):
        first = next(iter(value))
        return {**value, first: unknown(value[first], number, padded)}
    changed = value.double().clone()
    rows = changed.flatten(0, 1) if padded else changed
    rows[[*OTHER_PLACES]] = number
    return rows.view(changed.shape)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize(("name", "argument"), NUMBERS)
def test_what_is_unknown_is_refused_or_lowers_the_coverage(
    name: str, argument: str, padded: bool, number: float
) -> None:
    variant, batch = VARIANTS[name], VARIANTS[name].batch(padded)
    if math.isinf(number) and f"{name}.{argument}" in MAY_BE_INFINITE:
        pytest.skip("infinite scores of a selector are in order")
    whole, part = variant.make(), variant.make()
    whole.update(**batch)
    refused = pytest.raises(InputError, match=f"`{argument}") if is_refused(name, argument, number) else nullcontext()
    with refused:
        part.update(**{**batch, argument: unknown(batch[argument], number, padded)})
    if is_refused(name, argument, number):
        return
    before, after = whole.compute(), part.compute()
    parts = next((names for pattern, names in PARTS.items() if fnmatch(f"{name}.{argument}", pattern)), None)
    if parts is None:
        assert after[f"{whole.name}_n"] <= before[f"{whole.name}_n"]
        if f"{name}.{argument}" in NOT_EXPECTED:
            assert after[f"{whole.name}_n"] < before[f"{whole.name}_n"]
        else:
            assert after[f"{whole.name}_coverage"] < before[f"{whole.name}_coverage"]
    changed = {key for key in before if key in after and not torch.allclose(before[key], after[key], equal_nan=True)}
    assert parts is None or all(key.removeprefix(whole.name).startswith(parts) for key in changed)
    assert not any(value.abs() > LARGEST for value in after.values())


def test_places_of_unknown_records_are_records() -> None:
    assert max(OTHER_PLACES) < ROWS == LINES * TURNS
    assert len(NUMBERS) > 60
