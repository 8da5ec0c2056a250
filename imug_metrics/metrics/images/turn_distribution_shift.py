# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Shift of the distribution of images over turns, from sums of embeddings."""

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Ids, Images, Turns
from imug_metrics.dialogues.unit_rows import unit_rows
from imug_metrics.errors import InputError
from imug_metrics.functional.images.turn_distribution_shift import kernel_slope, linear_shift, mean_curve, usable_images
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.embedding_metric import EmbeddingMetric
from imug_metrics.metrics.options import MetricOptions, within
from imug_metrics.stats import student_quantile
from imug_metrics.stats.jackknife import group_of, jackknife, sum_groups

if TYPE_CHECKING:
    from imug_metrics.encoders import Encoder

_LEAST_SIGMA = 5.0


class TurnDistributionShift(EmbeddingMetric):
    """Do the images of later turns still come from where those of turn 1 come from? Lower is better.

    CMMD (Jayasumana et al., CVPR 2024) between turns: for unit embeddings x of turn 1 and y of a later turn

        scale * (mean k(x, x') + mean k(y, y') - 2 mean k(x, y)),    k(x, y) = exp(-|x - y|^2 / (2 sigma^2))

    by default without the pairs of one dialogue, which bias it. The functional counterpart, `turn_distribution_shift`,
    meets all pairs of images and so needs all of them at once. This class keeps sums, and replaces the kernel of two
    unit rows, `exp((cosine - 1) / sigma^2)`, by its tangent at the mean cosine c of the turns' pairs:

        scale * exp((c - 1) / sigma^2) / sigma^2 * (mean x.x' + mean y.y' - 2 mean x.y)

    The relative error is at most about `(cosine - c)^2 / (2 sigma^2)` averaged over pairs in units of the distance
    itself: below 0.3 % for the published sigma = 10 in the tests. Below sigma = 5 the tangent is not good enough and
    the class refuses it.

    As output `compute` gives a float64 scalar, the mean over the later turns weighted by their images, or with
    `detail=True` a dict with its interval, the curve `_turn_2`, `_turn_3`, ... with theirs, `_coverage`, `_n` (images)
    and `_dialogues`. Turns beyond `max_turns` are in coverage and counts only.

    A model that draws one picture whatever it is asked never shifts, and is best. So the detail also holds, with
    intervals, how unlike the images of one turn are, over pairs of different dialogues: with cosine c of the pair

        spread = 1 - mean c

    as `_spread_turn_1`, `_spread_turn_2`, ... and, weighted by images, `_spread`. It is 0 where all images are equal:
    read it beside the shift, and compare it with that of other models on the same prompts.

    Intervals: dialogues fall into `groups` by a hash of their ids, each group is left out in turn, and the spread of
    the results gives the error (delete-a-group jackknife, Kott, 2001) under Student's t with one degree of freedom less
    than there are groups; where there is no shift at all they are too wide. The groups depend on ids alone, so batches,
    shards and processes do not change the result.

    Args:
        width: D of the embeddings; the encoder's own by default.
        sigma: width of the kernel, at least 5.
        scale: factor of the result.
        unbiased: False for the published estimator over all pairs.
        groups: of the jackknife. The state holds `groups * max_turns * (width + 4)` numbers.
        encoder: an encoder, its name for `imug_metrics.encoders.load_encoder`, or None to take embeddings only.
        detail, level, max_turns, validate, kwargs: see `MetricOptions`. Its `missing`, `average` and `bootstrap`
            have no meaning for a distance of distributions and are refused.

    Raises:
        ValueError: if an argument is outside its range.

    Example:
        >>> import torch
        >>> metric = TurnDistributionShift(width=2)
        >>> metric.update(torch.tensor([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]]]))
        >>> metric.compute()
        tensor(19.9002, dtype=torch.float64)
    """

    name = "turn_distribution_shift"
    description = MetricDescription(
        label="Shift",
        noun="distribution shift",
        unit="squared distance",
        measures="mean over the later turns, weighted by their images",
        span="about 0 (no shift; slightly negative values are noise) to 39.6 (all images of a turn opposite to all of "
        "turn 1) at the published width",
        direction="lower is better, if the prompts of later turns do not ask for other things",
        meaning="How far the images of later turns, as a whole, have moved from those of turn 1 (CMMD).",
        misleads="A model that draws one picture for everything has no shift at all: read the spread beside it. If "
        "later turns ask for other things, the shift is what was asked.",
    )
    level_of_curve = (0.0, "no shift")
    higher_is_better = False
    is_differentiable = True
    beyond_curve = "no estimate"
    configuration = (*EmbeddingMetric.configuration, "width", "sigma", "scale", "unbiased", "groups")
    limits = within((0.0, 2.0), "spread", "spread_")
    of_encoder = MappingProxyType({"dim": "width"})
    sums: Tensor

    def __init__(
        self,
        width: int | None = None,
        *,
        sigma: float = 10.0,
        scale: float = 1000.0,
        unbiased: bool = True,
        groups: int = 32,
        encoder: "Encoder | str | None" = None,
        **kwargs: Unpack[MetricOptions],
    ) -> None:
        refused = sorted({"missing", "average", "bootstrap", "seed"} & kwargs.keys())
        if refused:
            raise ValueError(f"Expected no argument `{refused[0]}`: it has no meaning for a distance of distributions.")
        if sigma < _LEAST_SIGMA:
            raise ValueError(
                f"Expected argument `sigma` to be at least {_LEAST_SIGMA:g}, got {sigma}; the functional takes any."
            )
        if groups < 2:
            raise ValueError(f"Expected argument `groups` to be at least 2, got {groups}.")
        self.width, self.sigma, self.scale, self.unbiased, self.groups = width, sigma, scale, unbiased, groups
        super().__init__(encoder=encoder, **kwargs)
        self.width = getattr(self.encoder, "dim", None) if width is None else width
        if self.width is None:
            raise ValueError("Expected argument `width`: it cannot be read off an encoder. Give that of embeddings.")
        self.add_sums("sums", groups, self.max_turns, self.width + 4)

    def update(
        self,
        images: Images,
        *,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            images: embeddings `[N, D]` or `[B, T, D]`, or images when there is an `encoder`, as for `TurnAlignment`;
                zero rows count as absent.
            dialogue, turn, valid, lengths: as in every metric, see `DialogueMetric`.

        Raises:
            InputError: if shapes differ, the width is not that of the metric, or turns are refused.
        """
        inputs = self._pack({"images": self._images(images)}, dialogue, turn, None, valid, lengths)
        batch, rows = inputs.batch, inputs.columns["images"]
        if rows.shape[1] != self.width and len(rows):
            raise InputError("images", f"to have the width of the metric, {self.width}", rows.shape[1])
        there = batch.valid & usable_images(rows)
        if self.detail:
            self._add(batch, torch.where(there, 1.0, torch.nan))
        units = unit_rows(rows, there)
        terms = _dialogue_terms(batch.by_turn(units, self.max_turns))
        self._increase("sums", sum_groups(terms, group_of(batch.ids, self.groups), self.groups).to(self.sums.device))

    def describe(self) -> MetricDescription:
        """How to read it: a distance of all images at once, which is no mean of values a record."""
        return replace(super().describe(), is_mean=False)

    def _needed(self) -> tuple[()]:
        return ()  # the sums by group are a state of their own

    def compute(self) -> Tensor | dict[str, Tensor]:
        """The mean shift, or with `detail=True` the curve with its intervals."""
        if not self.detail:
            return self._shifts(self.sums.sum(0))[0]
        return self._result(self._estimated())

    def _estimated(self) -> dict[str, Tensor]:
        value, (error, groups) = self._estimates_of(self.sums.sum(0)), self._jackknife()
        half = error * student_quantile(groups, self.level)
        names = ["mean", *(f"turn_{t}" for t in range(2, self.max_turns + 1))]
        names += ["spread", *(f"spread_turn_{t}" for t in self._turns())]
        found: dict[str, Tensor] = {}
        for row, name in enumerate(names):
            low, high = self._ends(name)
            bounds = torch.clamp(value[row] - half[row], low, high), torch.clamp(value[row] + half[row], low, high)
            key = f"{self.name}_{name}"
            found |= dict(zip((key, f"{key}_lower", f"{key}_upper"), (value[row], *bounds)))
        return found | self._counts()

    def _shifts(self, sums: Tensor) -> Tensor:
        """Mean shift and shifts of turns 2, 3, ... `[..., T]` from sums `[..., T, D + 4]`."""
        rows, (count, squares, same, both) = sums[..., : self.width], sums[..., self.width :].unbind(-1)
        counts, lengths = (torch.stack([x[..., :1].expand_as(x[..., 1:]), x[..., 1:]], -1) for x in (count, squares))
        first, later = rows[..., :1, :], rows[..., 1:, :]
        linear, centre, defined = linear_shift(
            first, later, counts, lengths, same[..., 1:], both[..., 1:], self.unbiased
        )
        curve = torch.where(defined, self.scale * kernel_slope(centre, self.sigma) * linear, torch.nan)
        return torch.cat([mean_curve(curve, count[..., 1:])[..., None], curve], -1)

    def _spreads(self, sums: Tensor) -> Tensor:
        """Mean spread and spreads of turns 1, 2, ... `[..., T + 1]` from sums `[..., T, D + 4]`.

        A turn has one image of each dialogue, so that all its pairs are of different ones.
        """
        rows, (count, squares, *_) = sums[..., : self.width], sums[..., self.width :].unbind(-1)
        pairs = count * (count - 1)
        cosine = (rows.square().sum(-1) - squares) / torch.where(pairs > 0, pairs, torch.nan)
        return torch.cat([mean_curve(1 - cosine, count)[..., None], 1 - cosine], -1)

    def _estimates_of(self, sums: Tensor) -> Tensor:
        """Shifts and spreads `[..., 2 T + 1]`."""
        return torch.cat([self._shifts(sums), self._spreads(sums)], -1)

    def _jackknife(self) -> tuple[Tensor, Tensor]:
        """Standard errors of the estimates and the numbers of groups `[2 T + 1]` they rest on."""
        there = self.sums[..., self.width] > 0  # [groups, T]
        some = there.any(1, keepdim=True)
        clusters = torch.cat([some, there[:, :1] | there[:, 1:], some, there], 1)
        return jackknife(self._estimates_of(self.sums.sum(0) - self.sums), clusters)


def _dialogue_terms(rows: Tensor) -> Tensor:
    """What adds of each dialogue and turn `[G, T, D + 4]`, from unit rows `[G, T, D]` that are 0 where there is none.

    The row, 1, its squared length, its cosine to its dialogue's turn 1, and 1 where it and a later turn are there.
    """
    squares = rows.square().sum(2)
    there = (squares > 0).to(rows)
    paired = there * there[:, :1]
    paired[:, :1].zero_()
    cosine = (rows * rows[:, :1]).sum(2) * paired
    return torch.cat([rows, torch.stack([there, squares, cosine, paired], 2)], 2)
