# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How far the claims of a chain of evidence are supported by what they cite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from torch import Tensor

from imug_metrics.dialogues.checks import Check, look
from imug_metrics.dialogues.holders import place_of
from imug_metrics.errors import InputError
from imug_metrics.functional.answers.point_score import Items, Points, item_means, read_items
from imug_metrics.functional.reduce import reduce_values


def trace_support(
    items: Items, masks: Tensor | Sequence[Any] | None = None, *, reduction: Literal["none", "mean"] = "mean"
) -> Tensor:
    """Share of a trace's claims that what they cite supports: range 0 to 1, higher is better.

    As FActScore (arXiv 2305.14251) takes the mean over the facts of a text, and over texts; here what supports a claim
    is what it cites.

    Args:
        items: support of each claim from 0 to 1, `[N, P]`, or N lists of any length, one a trace; None stands for a
            trace that was not looked at.
        masks: bool in the form of `items`, the cells that are claims; None: all are.
        reduction: `"none"` for `[N]` values, `"mean"` for their mean.

    Returns:
        float64 `[N]` or a scalar. NaN for a trace without claims and for one with a claim that is NaN: a mean over the
        rest would forgive it.

    Raises:
        InputError: if shapes differ or a support is outside of [0, 1].

    Example:
        >>> trace_support([[1, 1, 0, 1], [0.5], None], reduction="none")
        tensor([0.7500, 0.5000,    nan], dtype=torch.float64)
    """
    claims = read_items(items, masks)
    if len(claims.shape) > 1:
        raise InputError("items", "to have shape [N, P]", [*claims.shape, claims.values.shape[-1]])
    look(support_check(claims), like=claims.values)
    return reduce_values(item_means(claims.values, claims.there, 1.0), reduction)


def support_check(claims: Points) -> list[Check]:
    """The check that every support is from 0 to 1, or NaN."""
    values = claims.values
    wrong = ~((values >= 0) & (values <= 1)) & ~values.isnan() & claims.there

    def error(place: int) -> InputError:
        row, got = place // values.shape[-1], float(values.flatten()[place])
        return InputError("items", "to be from 0 to 1", got, place_of(row, claims.shape))

    return [Check(wrong, error)]
