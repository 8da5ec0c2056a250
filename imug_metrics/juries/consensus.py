# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What a jury says of each output: its mean, its majority, and a consensus that listens to reliable judges more."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from imug_metrics.juries.panel import Panel
from imug_metrics.stats.dawid_skene import LEAST_JUDGES, dawid_skene
from imug_metrics.stats.judge_precision import judge_weights, weighted_scores


@dataclass(frozen=True)
class Consensus:
    """What a jury says of outputs.

    Attributes:
        scores: by rule, float64 `[N]`, one score an output; NaN where the rule has none:

            - `mean`: over the judges
            - `majority`: of checklists, the share of items that most judges find met; an item with as many yes as no
              is left out
            - `weighted`: of checklists, the mean probability that an item is met (`dawid_skene`); else the mean of the
              judges weighted by their precision (`judge_weights`)
        answers: float64 `[I]`, the probability of yes of each item; NaN where no judge answered it, or with fewer than
            three judges.
        reliability: by judge, `sensitivity` and `specificity` of its answers to items, and its `weight` among scores.
    """

    scores: Mapping[str, Tensor]
    answers: Tensor
    reliability: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def consensus(panel: Panel) -> Consensus:
    """What a jury says of each output.

    Outputs that were judged by a list of items and others are each treated in their own way.

    Args:
        panel: of any number of judges. Reliability needs three.

    Example:
        >>> from imug_metrics.juries import Judgement, make_panel
        >>> said = [Judgement(judge, "m", str(d), 1, value=score) for judge, scores in
        ...         {"a": (0.2, 0.8), "b": (0.4, 0.6)}.items() for d, score in enumerate(scores)]
        >>> consensus(make_panel(said)).scores["mean"]
        tensor([0.3000, 0.7000], dtype=torch.float64)
    """
    scores = panel.scores
    weights = judge_weights(scores)
    found = {"mean": weighted_scores(scores, torch.full_like(weights, 1 / max(len(weights), 1)))}
    reliability = {name: {"weight": float(weight)} for name, weight in zip(panel.judges, weights, strict=True)}
    weighted = weighted_scores(scores, weights)
    answers = torch.full((len(panel.items),), math.nan, dtype=torch.float64)
    if len(panel.items):
        share = panel.answers.nanmean(1)
        majority = (share > 0.5).double().masked_fill(share.isnan() | (share == 0.5), math.nan)
        found["majority"] = _met(panel, majority)
        if len(panel.judges) >= LEAST_JUDGES:
            model = dawid_skene(panel.answers)
            answers = model.probability
            by_items = _met(panel, answers)
            weighted = by_items.where(~by_items.isnan(), weighted)
            for name, yes, no in zip(panel.judges, model.sensitivity, model.specificity, strict=True):
                reliability[name] |= {"sensitivity": float(yes), "specificity": float(no)}
    if len(panel.judges) >= LEAST_JUDGES:
        found["weighted"] = weighted
    return Consensus(found, answers, reliability)


def _met(panel: Panel, yes: Tensor) -> Tensor:
    """Mean `[N]` over an output's items of how probably they are met; NaN without any."""
    met = torch.where(panel.expected == 1, yes, 1 - yes)
    there = ~met.isnan()
    sums = torch.zeros(2, len(panel.outputs), dtype=torch.float64)
    for total, part in zip(sums, (met.masked_fill(~there, 0), there.double()), strict=True):
        total.index_add_(0, panel.item_output, part)
    return sums[0] / sums[1]
