# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Survival over turns from sums by turn."""

from __future__ import annotations

import torch
from torch import Tensor


def kaplan_meier(survived: Tensor, at_risk: Tensor) -> Tensor:
    """Share that lasts through each turn, with those that were watched for fewer turns taken as censored.

    Kaplan and Meier, JASA 53, 1958: `S(t) = prod_{u <= t} survived_u / at_risk_u`. Under the delta method over
    dialogues its variance is Greenwood's times G / (G - 1), exactly where each dialogue is one subject.

    Args:
        survived: `[..., T]`, number of those at risk at a turn that it did not end.
        at_risk: `[..., T]`, number at risk at each turn.

    Returns:
        `[..., T]`, NaN from the first turn on at which nobody is at risk. Differentiable.

    Example:
        >>> kaplan_meier(torch.tensor([4.0, 2.0, 1.0]), torch.tensor([4.0, 4.0, 1.0]))
        tensor([1.0000, 0.5000, 0.5000])
    """
    seen = at_risk > 0
    share = torch.where(seen, survived / torch.where(seen, at_risk, 1), 1)
    curve = share.cumprod(-1)
    return curve.masked_fill(seen.long().cumprod(-1) == 0, torch.nan)


def restricted_mean(curve: Tensor) -> Tensor:
    """Mean number of turns survived, counted up to the last turn of the curve that is known.

    Args:
        curve: `[..., T]` of `kaplan_meier`.

    Returns:
        `[...]`: `sum_t S(t)` = E[min(turns survived, last turn)]; NaN where nothing is known.

    Example:
        >>> restricted_mean(torch.tensor([1.0, 0.5, 0.25, torch.nan]))
        tensor(1.7500)
    """
    return curve.nan_to_num(0).sum(-1).masked_fill(curve[..., 0].isnan(), torch.nan)
