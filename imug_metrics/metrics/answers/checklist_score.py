# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How much of what was asked of outputs do they meet, item by item?"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from typing_extensions import Unpack

from imug_metrics._constants import constant
from imug_metrics.dialogues.arguments import Ids, Turns
from imug_metrics.dialogues.checks import Check
from imug_metrics.dialogues.columns import SHARE, Column
from imug_metrics.errors import ArgumentError
from imug_metrics.functional.answers.checklist_score import (
    Checklists,
    ItemAnswers,
    beside,
    cell_check,
    read_checklist,
    shares,
)
from imug_metrics.functional.answers.point_score import Points
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.dialogue_sums import Terms
from imug_metrics.metrics.options import MetricOptions, within

_MEANS = ("weighted", "full", "worst", "best")
_SHARES = ("answered", "item", "new", "kept")


class ChecklistScore(DialogueMetric):
    """How much of what was asked of outputs do they meet, item by item? Range 0 to 1, higher is better.

    Mean over outputs of the share of items that are met, among those that apply and were answered, as in SpecV (ECCV
    2026, yuyouxixi/SpecV). An item without an answer is missing, never wrong in silence. The functional counterpart is
    `checklist_score`. The detail adds

    - `checklist_score_weighted`: mean of the shares by weight
    - `checklist_score_full`: share of outputs that meet every item; not known of one whose answers are all met but not
      all there
    - `checklist_score_worst`, `_best`: the mean if no item without an answer were met, and if all were: what the
      answers that are missing can do
    - `checklist_score_item`: share of items that are met, where an output with more of them weighs more
    - `checklist_score_answered`: share of items that were answered, of those that apply to outputs with any answer
    - `checklist_score_category_<name>`: share of items of a category that are met
    - `checklist_score_new`, `_kept`: share of items first asked for at this turn, and at an earlier one, that are met
    - `checklist_score_age_k`: the same of items first asked for k turns ago: are wishes still met?

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`. With
    `missing="zero"` items without an answer count as not met, and outputs without any as 0.

    Args:
        categories: names of the categories.
        kwargs: those of all metrics, see `MetricOptions`.

    Raises:
        ArgumentError: if a category comes twice.

    Example:
        >>> metric = ChecklistScore(categories=("colour", "count"), detail=True)
        >>> metric.update(
        ...     [["yes", "no"], ["yes", "yes", None]],
        ...     weights=[[3, 1], [1, 1, 1]],
        ...     categories=[["colour", "count"], ["colour", "count", "count"]],
        ...     ages=[[0, 0], [1, 1, 0]],
        ...     dialogue=["a", "a"],
        ...     turn=[1, 2],
        ... )
        >>> found = metric.compute()
        >>> ends = ("", "_weighted", "_worst", "_category_colour", "_category_count", "_new", "_kept", "_age_1")
        >>> [round(float(found[f"checklist_score{end}"]), 3) for end in ends]
        [0.75, 0.875, 0.583, 1.0, 0.5, 0.5, 1.0, 1.0]
    """

    name = "checklist_score"
    description = MetricDescription(
        label="Checklist",
        noun="checklist score",
        unit="share",
        measures="mean over outputs of the share of items that are met",
        span="0 to 1",
        direction="higher is better",
        meaning="Share of the yes/no specifications of an output that a judge finds met.",
        misleads="It is a judge's word, and a list is as good as its items: easy ones lift every model, and what none "
        "asks about does not count.",
    )
    configuration = (*DialogueMetric.configuration, "categories")
    plot_lower_bound = 0.0
    plot_upper_bound = 1.0
    ranges = within(SHARE, "mean", "turn_", *_MEANS, *_SHARES, "category_", "age_")

    def __init__(self, categories: Sequence[str] = (), **kwargs: Unpack[MetricOptions]) -> None:
        self.categories = tuple(map(str, categories))
        if isinstance(categories, str) or len(set(self.categories)) < len(self.categories):
            raise ArgumentError("categories", f"expected different names of categories, got {categories!r}")
        super().__init__(**kwargs)

    def update(
        self,
        items: ItemAnswers,
        target: ItemAnswers | None = None,
        *,
        weights: ItemAnswers | None = None,
        categories: ItemAnswers | None = None,
        ages: ItemAnswers | None = None,
        masks: ItemAnswers | None = None,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            items: answers `[N, P]` or `[B, T, P]`, or N lists of any length (or one list of these a dialogue), where
                None stands for an output that was not judged and an empty list for one without items, which does not
                count: 1 or "yes", 0 or "no", -1 or "n/a" for an item that does not apply, NaN or None for one without
                an answer.
            target: the answers that meet the items, 1 or 0, yes or no, in the form of `items`, NaN where not known, as
                which the item counts as not answered; None: all yes.
            weights: of the items, from 0, in the form of `items`; None: all weigh alike.
            categories: names, or their places in the metric's `categories`, in the form of `items`; None or -1 for an
                item of none.
            ages: how many turns ago each item was first asked for, in the form of `items`, NaN where not known; None:
                all at this turn.
            masks: bool in the form of `items`, the cells that are items; None: all are.
            dialogue, turn, valid, lengths: as in every metric, see `DialogueMetric`.

        Raises:
            InputError: if an argument has another form than `items` or holds anything else, or turns are refused.
        """
        found = read_checklist(items, target, weights, masks)
        checks = [*found.checks]
        places = since = None
        if categories is not None:
            known = {name: float(place) for place, name in enumerate(self.categories)}
            places, even = beside("categories", categories, found.points, known.get)
            checks += [*even, self._place_check(places, found.points)]
        if ages is not None:
            since, even = beside("ages", ages, found.points, _no_number)
            checks += [*even, _age_check(since, found.points)]
        self._add_lists(found, checks, self._parts(found, places, since), dialogue, turn, valid, lengths)

    def _add_lists(self, found: Checklists, checks: Sequence[Check], parts: Tensor | None, *rows: Any) -> None:
        score = found.share
        if self.missing == "zero":
            score = shares(found.met, found.applies.double()).masked_fill(score.isnan(), torch.nan)
        shape, judged, ends = found.points.shape, found.points.judged, found.points.ends
        blank = ~found.applies.any(1)
        blank = blank if judged is None else blank & judged.flatten()
        columns = {
            "scores": Column(score.masked_fill(blank, 0), shape, judged, ends, tuple(checks), argument="items"),
            "blank": Column(blank, shape),
        }
        if parts is not None:
            columns["parts"] = Column(parts, shape)
        dialogue, turn, valid, lengths = rows
        inputs = self._pack(columns, dialogue, turn, None, valid, lengths)
        blank = inputs.columns["blank"]
        values = inputs.batch.present(inputs.columns["scores"]).masked_fill(blank, torch.nan)
        terms = None if parts is None else self._terms(inputs.columns["parts"], values.isnan())
        self._add(inputs.batch, values, ~blank, terms)

    def _parts(self, found: Checklists, places: Tensor | None, since: Tensor | None) -> Tensor | None:
        """Columns `[N, ...]`: the means, then numerators and denominators of the ratios; None without detail."""
        if not self.detail:
            return None
        met, answered, applies = found.met, found.answered.double(), found.applies.double()
        worst, best = shares(met, applies), shares(met + applies - answered, applies)
        is_known = (worst == best) | (best < 1)
        full = (worst == 1).double().masked_fill(~is_known, torch.nan)
        since = torch.zeros_like(met) if since is None else since.masked_fill(since.isinf(), torch.nan)
        places = torch.full_like(met, -1) if places is None else places
        members = [
            torch.ones_like(since)[..., None],
            torch.stack([since == 0, since > 0], -1),
            places[..., None] == constant(torch.arange, len(self.categories), like=places),
            since[..., None] == constant(torch.arange, self.max_turns, like=since),
        ]
        member = torch.cat(members, -1).to(met)
        sums = torch.stack([met, answered], 1) @ member  # [N, 2, ratios]
        of_answers = torch.stack([answered.sum(1), applies.sum(1)], 1)[..., None]
        return torch.cat(
            [torch.stack([found.weighted, full, worst, best], 1), of_answers.flatten(1), sums.flatten(1)], 1
        )

    def _terms(self, parts: Tensor, skipped: Tensor) -> Terms:
        """The parts of the outputs that are scored."""
        means, sums = parts[:, : len(_MEANS)].masked_fill(skipped[:, None], torch.nan), parts[:, len(_MEANS) :]
        answered, applies, *others = sums.masked_fill(skipped[:, None], 0).unbind(1)
        half = len(others) // 2
        columns = [(answered, applies), *zip(others[:half], others[half:], strict=True)]
        return Terms(
            dict(zip(_MEANS, means.unbind(1), strict=True)), ratios=dict(zip(self._shares(), columns, strict=True))
        )

    def _ratios(self) -> list[str]:
        return [*_MEANS, *self._shares()]

    def _shares(self) -> list[str]:
        ages = [f"age_{age}" for age in range(self.max_turns)]
        return [*_SHARES, *(f"category_{name}" for name in self.categories), *ages]

    def _place_check(self, places: Tensor, points: Points) -> Check:
        fine = places.isnan() | ((places >= -1) & (places < len(self.categories)) & (places == places.floor()))
        return cell_check("categories", f"to hold places from 0 to {len(self.categories) - 1}", places, fine, points)


def _age_check(since: Tensor, points: Points) -> Check:
    fine = since.isnan() | ((since >= 0) & (since < torch.inf) & (since == since.floor()))
    return cell_check("ages", "to hold whole numbers from 0", since, fine, points)


def _no_number(word: str) -> None:
    """Ages are no words."""
