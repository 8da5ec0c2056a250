# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Whether a trace keeps to its form: its steps are there, in order, and what it cites is there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from imug_metrics.dialogues.checks import look
from imug_metrics.dialogues.columns import Column, check_shapes
from imug_metrics.errors import ArgumentError
from imug_metrics.functional.answers.point_score import Items, item_columns, read_items
from imug_metrics.functional.reduce import reduce_values
from imug_metrics.functional.self_evaluation.step_names import StepNames, check_same_kind, read_step_names
from imug_metrics.functional.self_evaluation.trace_support import support_check


def trace_compliance(
    preds: StepNames, items: Items | None = None, *, steps: Sequence[Any], reduction: Literal["none", "mean"] = "mean"
) -> Tensor:
    """Share of traces that keep to their form. Range 0 to 1, higher is better.

    A trace does where every expected step is there, each once and in the expected order, and everything it cites is
    there. Other steps may stand between. UniM (arXiv 2603.05075) asks for a structured report of this kind.

    Args:
        preds: names of the steps of each trace in the order in which they were written, N lists; None: no trace.
        items: of each citation of a trace, 1 where it leads somewhere and 0 where it does not, `[N, P]`, or N lists of
            any length, empty for a trace that cites nothing; None in place of a list: not known. None: not checked.
        steps: the expected steps in their order.
        reduction: `"none"` for `[N]` values, `"mean"` for their mean.

    Returns:
        float64 `[N]` or a scalar: 1 or 0, NaN where there is no trace or its citations are not known.

    Raises:
        ArgumentError: if `steps` are no different names.
        InputError: if the arguments differ in length or hold anything else.

    Example:
        >>> trace_compliance([["task", "conclusion"], ["conclusion", "task"]], steps=("task", "conclusion"))
        tensor(0.5000, dtype=torch.float64)
    """
    columns = form_columns(preds, items, check_steps(steps), False)
    check_shapes(**columns)
    for column in columns.values():
        look(column.checks, like=column.values)
    values = {name: column.values for name, column in columns.items()}
    return reduce_values(compliant(values).view(columns["preds"].shape), reduction)


def check_steps(steps: Sequence[Any]) -> tuple[Any, ...]:
    """The expected steps.

    Raises:
        ArgumentError: unless they are different texts, or different whole numbers, and at least one.

    Example:
        >>> check_steps(["task", "task"])
        Traceback (most recent call last):
        imug_metrics.errors.ArgumentError: Argument `steps`: expected different names of steps, got ['task', 'task']
    """
    names = [] if isinstance(steps, str) else list(steps)
    alike = {str if isinstance(name, str) else type(name) for name in names}
    if alike not in ({str}, {int}) or len(set(names)) < len(names):
        raise ArgumentError("steps", f"expected different names of steps, got {steps!r}")
    return tuple(names)


def form_columns(preds: StepNames, items: Items | None, steps: tuple[Any, ...], detail: Any) -> dict[str, Column]:
    """The form of traces as numbers.

    Returns:
        `preds`: share of the expected steps that are there, NaN without a trace; `ordered`: share of pairs of these
        that are in order, NaN where there is none; and of citations the columns of `item_columns`, if they are given.
    """
    rows = read_step_names("preds", preds)
    check_same_kind(steps=read_step_names("steps", [steps]), preds=rows)
    place = {name: number for number, name in enumerate(steps)}
    found = [None if names is None else [place[name] for name in names if name in place] for names in rows.names]
    present = [math.nan if places is None else len(set(places)) / len(steps) for places in found]
    ordered = [math.nan if places is None else order_share(places, len(steps)) for places in found]
    columns = {"preds": rows.column("preds", present), "ordered": rows.column("preds", ordered)}
    if items is None:
        return columns
    cites = read_items(items)
    return columns | item_columns(cites, 1.0, support_check(cites), detail)


def order_share(places: Sequence[int], count: int) -> float:
    """Share of pairs of steps of which the one that is written first has to come first; NaN without a pair.

    Two steps of one name are not in order. The share is 1 only where all steps are, each once.

    Args:
        places: where each step has to come, from 0, in the order in which they were written.
        count: how many steps are expected.

    Example:
        >>> order_share([0, 2, 1], 3), order_share([0, 0], 3)
        (0.6666666666666666, 0.0)
    """
    seen, rising = [0] * count, 0
    for place in places:
        rising += sum(seen[:place])
        seen[place] += 1
    pairs = len(places) * (len(places) - 1) // 2
    return rising / pairs if pairs else math.nan


def compliant(columns: dict[str, Tensor]) -> Tensor:
    """1 where a trace keeps to its form, else 0, of the values of `form_columns`; NaN where it is not known."""
    present, ordered = columns["preds"], columns["ordered"]
    kept = ((present == 1) & ~(ordered < 1)).to(present).masked_fill(present.isnan(), torch.nan)
    if "scores" not in columns:
        return kept
    resolved = columns["scores"].masked_fill(columns["blank"], 1)
    return kept * (resolved == 1).to(kept).masked_fill(resolved.isnan(), torch.nan)
