# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How diverse the images of a turn are over dialogues, from a bounded sample of dialogues."""

import math
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from typing_extensions import Unpack

from imug_metrics._constants import constant
from imug_metrics.dialogues.arguments import Ids, Images, Turns
from imug_metrics.dialogues.content_ids import content_ids
from imug_metrics.dialogues.padding import has_direction
from imug_metrics.dialogues.unit_rows import unit_rows
from imug_metrics.errors import InputError
from imug_metrics.functional.images.turn_diversity import (
    HIGHEST,
    NO_DIVERSITY,
    DiversityKind,
    diversity_estimates,
    diversity_measure,
    from_first_image,
)
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.embedding_metric import EmbeddingMetric
from imug_metrics.metrics.options import MetricOptions, check_count, within
from imug_metrics.stats import Weights
from imug_metrics.stats.bounded_sample import NO_KEY, add_rows, hash_keys, sampled_rows
from imug_metrics.stats.jackknife import jackknife, jackknife_interval, sum_groups

if TYPE_CHECKING:
    from imug_metrics.encoders import Encoder


class TurnDiversity(EmbeddingMetric):
    """Do the images of different dialogues grow alike with the turns? Change per turn, in parts of first images'.

    0 is no change, -0.2 says that every turn loses a fifth of the diversity that first images have; higher is better.
    The diversity D_k is the Vendi score over dialogues of the images that come k turns after the first image of their
    dialogue (Friedman and Dieng, arXiv 2210.02410), the exponential of the entropy of the eigenvalues of their cosines:
    an effective number of different images. It is compared with that of the first images of the same n_k dialogues, so
    that neither the number of images, with which Vendi scores grow, nor which dialogues are long makes a difference:

        sum_k n_k k (D_k - D_0) / sum_k n_k k^2 (D_0 - none)

    with `none` what equal images have: 1, and 0 for distances. `turn_diversity` is the functional counterpart, which
    takes all dialogues. The class keeps a bounded sample of them, those with the smallest hashes of their ids: it is
    the same for any order, batches and processes, and of constant size.

    As output `compute` gives a float64 scalar, or with `detail=True` a dict with its interval, `_coverage`, `_n`
    (images), `_dialogues` and, with intervals,

    - `turn_diversity_slope`: the same change in the unit of the diversity, per turn
    - `turn_diversity_retention`: diversity of last images in parts of that of the first, above `none`, of dialogues
      that have two images or more
    - `turn_diversity_turn_k`: the diversity of all sampled images of turn k; with `kind="vendi"` it falls as dialogues
      end, since there are fewer
    - `turn_diversity_mean`: mean of these, weighted by images

    and without interval `turn_diversity_sampled`, the number of dialogues in the sample. Turns beyond `max_turns` are
    in coverage and counts only.

    Intervals: the dialogues of the sample fall into groups of equal size, each is left out in turn, and the spread of
    the results gives the error (jackknife; delete-one up to `groups` dialogues) under Student's t.

    Args:
        width: D of the embeddings; by default the encoder's `dim`, where that is known before its first call.
        kind: `"vendi"`, or `"distance"`: the mean of 1 - cosine over pairs, which does not grow with their number.
        order: of the Vendi score: 1, 2 or inf, see `imug_metrics.stats.vendi.vendi_score`.
        sample: dialogues of the sample. It takes `sample * (1 + max_turns * width)` numbers.
        groups: of the jackknife.
        encoder: an encoder, its name for `imug_metrics.encoders.load_encoder`, or None to take embeddings only.
        detail, level, max_turns, validate, kwargs: see `MetricOptions`. Its `missing`, `average` and `bootstrap` have
            no meaning for the diversity of images that are there and are refused.

    Raises:
        ValueError: if an argument is outside its range.

    Example:
        >>> import torch
        >>> images = torch.eye(4).repeat_interleave(3, 0).view(4, 3, 4).clone()  # 4 dialogues of 3 turns
        >>> images[2:, 2] = images[:2, 2]  # at turn 3 two dialogues show what the other two show
        >>> metric = TurnDiversity(width=4)
        >>> metric.update(images, dialogue=["a", "b", "c", "d"])
        >>> metric.compute()
        tensor(-0.2667, dtype=torch.float64)
    """

    name = "turn_diversity"
    description = MetricDescription(
        label="Diversity",
        noun="the change of diversity",
        unit="share of the first images' diversity per turn",
        measures="slope through first images / their diversity",
        span="-1 to infinity; 0 is no change",
        direction="higher is better; below 0 the images of dialogues grow alike",
        meaning="Which part of the diversity of the first images is lost at each turn, over dialogues.",
        misleads="Prompts that grow alike make images grow alike. Noise and broken images are diverse as well, and a "
        "model whose first images are alike has none to lose.",
    )
    primary = "change"
    curve_of = "diversity over dialogues"
    beyond_curve = "no estimate"
    configuration = (*EmbeddingMetric.configuration, "width", "kind", "order", "sample", "groups")
    of_encoder = MappingProxyType({"dim": "width"})
    sampled: Tensor

    def __init__(
        self,
        width: int | None = None,
        *,
        kind: DiversityKind = "vendi",
        order: float = 1,
        sample: int = 128,
        groups: int = 32,
        encoder: "Encoder | str | None" = None,
        **kwargs: Unpack[MetricOptions],
    ) -> None:
        refused = sorted({"missing", "average", "bootstrap", "seed"} & kwargs.keys())
        if refused:
            raise ValueError(f"Expected no argument `{refused[0]}`: it has no meaning for the diversity of images.")
        diversity_measure(kind, order)  # which it refuses where it is unknown
        check_count("sample", sample, 2)
        check_count("groups", groups, 2)
        self.width, self.kind, self.order, self.sample, self.groups = width, kind, float(order), sample, groups
        self.limits = within((NO_DIVERSITY[kind], HIGHEST[kind]), "mean", "turn_")
        self.limits |= within((-1.0, math.inf), "change") | within((0.0, math.inf), "retention")
        super().__init__(encoder=encoder, **kwargs)
        self.width = getattr(self.encoder, "dim", None) if width is None else width
        if self.width is None:
            raise ValueError("Expected argument `width`: it cannot be read off an encoder. Give that of embeddings.")
        self._columns = self.width  # of embeddings, which is known now
        self.add_sample("sampled", sample, self.max_turns * self.width)

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
            images: embeddings `[N, D]` or `[B, T, D]`, one image a turn, or images when there is an `encoder`, as for
                `TurnAlignment`; zero rows count as absent.
            dialogue, turn, valid, lengths: as in every metric, see `DialogueMetric`. Dialogues without ids are told
                apart by their images: two whose images are equal count once.

        Raises:
            InputError: if shapes differ, the width is not that of the metric, or turns are refused.
        """
        column = self._images(images)
        if column.width == 0:  # nothing in it tells a width
            column = column._replace(
                values=column.values.new_zeros(len(column.values), self._columns), width=self.width
            )
        inputs = self._pack({"images": column}, dialogue, turn, None, valid, lengths)
        batch, rows = inputs.batch, inputs.columns["images"].detach()
        if rows.shape[1] != self.width:
            raise InputError("images", f"to have the width of the metric, {self.width}", rows.shape[1])
        there = batch.valid & has_direction(rows)
        if self.detail:
            self._add(batch, torch.where(there, 1.0, torch.nan))
        units = unit_rows(rows, there)
        ids = batch.ids if dialogue is not None else content_ids(batch, units)
        table = batch.by_turn(units, self.max_turns).flatten(1)
        keys = hash_keys(ids).where(table.any(1), constant(_no_key, like=table))
        self._replace("sampled", add_rows(self.sampled, torch.cat([keys[:, None], table], 1)))

    def describe(self) -> MetricDescription:
        """How to read it; its range is that of a change, not of a diversity."""
        return replace(super().describe(), low=-1.0, high=math.inf)

    def _needed(self) -> tuple[()]:
        return ()  # the sample is a state of its own

    def compute(self) -> Tensor | dict[str, Tensor]:
        """The change per turn, or with `detail=True` all estimates with their intervals."""
        if not self.detail:
            return self._estimates_of(self._dialogues())["change"]
        return self._result(self._estimated())

    def _dialogues(self) -> Tensor:
        """The sampled dialogues by turn, unit rows `[n, T, D]`."""
        rows = sampled_rows(self.sampled)
        return rows.view(len(rows), self.max_turns, self._columns)

    def _estimates_of(self, rows: Tensor, kept: Tensor | None = None) -> dict[str, Tensor]:
        return diversity_estimates(rows, diversity_measure(self.kind, self.order), NO_DIVERSITY[self.kind], kept)

    def _estimated(self) -> dict[str, Tensor]:
        """All estimates with their intervals, and what is counted."""
        rows = self._dialogues()
        group = torch.arange(len(rows), device=rows.device) % self.groups  # by rank of their hashes: of equal size
        kept = group != torch.arange(self.groups, device=rows.device)[:, None]
        estimates, without = self._estimates_of(rows), self._estimates_of(rows, kept)
        names, value = [*estimates], torch.stack([*estimates.values()])
        weights = self._weights_of_dialogues(names, rows)
        by_group = sum_groups(weights, group, self.groups)
        error, _ = jackknife(torch.stack([without[name] for name in names], 1), by_group > 0)
        groups, dialogues = (Weights(weight.sum(0), weight.square().sum(0)) for weight in (by_group, weights))
        bounds = jackknife_interval(value, error, groups, dialogues, torch.zeros_like(value).bool(), self.level)
        found: dict[str, Tensor] = {}
        for row, name in enumerate(names):
            key, ends = f"{self.name}_{name}", self._ends(name)
            lower, upper = (bound[row].clamp(*ends) for bound in (bounds.lower, bounds.upper))
            found |= {key: value[row], f"{key}_lower": lower, f"{key}_upper": upper}
            found |= {f"{key}_reason": bounds.reason[row]} if int(bounds.reason[row]) else {}
        return found | {f"{self.name}_sampled": value.new_tensor(len(rows))} | self._counts()

    def _weights_of_dialogues(self, names: list[str], rows: Tensor) -> Tensor:
        """How much each dialogue of the sample weighs in each estimate, `[n, E]`."""
        there = rows.square().sum(2) > 0
        later = torch.arange(self.max_turns, dtype=torch.float64, device=rows.device)
        _, since = from_first_image(rows, there)
        weights = {"mean": there.sum(1).double(), "retention": (since.sum(1) > 1).double()}
        weights |= dict.fromkeys(("change", "slope"), (since * later.square()).sum(1))
        weights |= {f"turn_{turn}": there[:, turn - 1].double() for turn in self._turns()}
        return torch.stack([weights[name] for name in names], 1)


def _no_key(device: torch.device) -> Tensor:
    return torch.tensor(NO_KEY, dtype=torch.float64, device=device)
