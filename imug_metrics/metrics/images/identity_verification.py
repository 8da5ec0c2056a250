# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Verification of subjects over turns, from histograms of cosines and a bounded sample of images."""

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import torch
from imug_kernels import paired_cosine
from torch import Tensor
from typing_extensions import Unpack

from imug_metrics._constants import constant
from imug_metrics.dialogues.arguments import Ids, Images, Labels, Turns
from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.dialogues.columns import SHARE
from imug_metrics.dialogues.content_ids import content_ids
from imug_metrics.dialogues.padding import has_direction
from imug_metrics.dialogues.unit_rows import unit_rows
from imug_metrics.errors import InputError
from imug_metrics.functional.images.identity_verification import (
    NEGATIVES,
    Negatives,
    VerificationScores,
    check_bins,
    check_negatives,
    check_rate,
    dialogue_pairs,
    group_column,
    of_counts,
)
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.embedding_metric import EmbeddingMetric
from imug_metrics.metrics.options import MetricOptions, check_count, within
from imug_metrics.stats import REASONS, Weights, component_weights, unpack_moments
from imug_metrics.stats.bounded_sample import NO_KEY, add_rows, folded, hash_keys, sampled_rows
from imug_metrics.stats.intervals import FEW_PAIRS
from imug_metrics.stats.jackknife import group_of, jackknife, jackknife_interval
from imug_metrics.stats.verification import area_under_curve, bin_edges, bin_of, decidability, tie_share

if TYPE_CHECKING:
    from imug_metrics.encoders import Encoder

_WITHIN = ("same", "within", "hard_within")  # kinds of pairs of one dialogue, all of which are counted
_ACROSS = ("across", "hard", "shared")  # kinds of pairs of two dialogues, which are those of the sample
_OWN_PAIRS = ("shared", "dprime_slope")  # estimates of pairs of one subject that are not those of all others
_NO_GROUP = -1.0
_PLACES = 3  # numbers of a sampled row before its embedding: its dialogue, subject and group


class _Images(NamedTuple):
    """Packed images of an update.

    Attributes:
        units: float64 `[N, D]`, of unit length, or 0 where there is none.
        there: bool `[N]`.
        dialogue: float64 `[N]`, the folded id of each one's dialogue.
        group: float64 `[N]`, NaN for none; None: nobody has one.
    """

    units: Tensor
    there: Tensor
    dialogue: Tensor
    group: Tensor | None


class IdentityVerification(EmbeddingMetric):
    """Are two images of one subject closer than images of two subjects, and does that fade? 0 to 1, higher is better.

    The area under the ROC curve of verification, for the cosine s of a pair of images of one subject in one dialogue,
    and d of a pair of two subjects:

        AUC = P(s > d) + P(s = d) / 2

    Chance is 0.5. A mean cosine has no zero: 0.9 may be what any two images of an encoder have. Here what other
    subjects look like is the scale. `identity_verification` is the functional counterpart, which takes all pairs.

    `negatives` says which pairs of two subjects are the scale; pooled, kinds would weigh as their numbers happen to be:

    | kind | pairs of two subjects |
    |---|---|
    | `"across"` | in two dialogues, except of equal subject ids, which people often number anew in each dialogue |
    | `"within"` | in one dialogue that follows several, under its light and before its background |
    | `"hard"` | of `"across"`, those of one `group`: look-alikes, or one background |
    | `"hard_within"` | of `"within"`, those of one `group` |

    All pairs within dialogues are counted, as histograms. Pairs across dialogues are those of a bounded sample of
    images, the ones with the smallest hashes of dialogue, subject and turn: it is the same for any order, batches and
    processes, and while there are no more images than its size it holds all of them. The state has constant size.

    As output `compute` gives a float64 scalar, or with `detail=True` a dict with its interval, `_coverage` (an image
    without another of its subject has no pair), `_n` (images with a pair), `_dialogues` and, with intervals,

    - `_eer`, `_tpr`: equal error rate, and true match rate at a false match rate of at most `far`, see
      `verification_scores`; without interval the `_threshold` that this takes
    - `_dprime`: distance of the two kinds' means in standard deviations
    - `_across`, `_within`, `_hard`, `_hard_within`: the area against each kind
    - `_turn_2`, `_turn_3`, ...: the area for pairs of a subject's first image with that of this turn
    - `_dprime_slope`: least-squares slope over these turns, weighted by pairs, of their d', which has no ceiling as the
      area has
    - with `shared_subjects`, `_shared`: the area for pairs of one subject id in two dialogues

    and without interval `_bin_error`, what the area can be off by, at most, because of the bins, and the numbers of
    pairs `_same_pairs`, `_within_pairs`, `_hard_within_pairs`, `_across_pairs`, `_hard_pairs`, `_shared_pairs`.

    Intervals: dialogues fall into `groups` by a hash of their ids, and each is left out in turn (delete-a-group
    jackknife), with bounds of shares on the scale of log odds, see `imug_metrics.stats.jackknife`.

    Args:
        width: D of the embeddings; by default the encoder's `dim`, where that is known before its first call.
        negatives: the kind of pairs that the estimates without a kind of their own are against.
        far: wanted rate of false accepts.
        shared_subjects: equal subject ids in two dialogues are one subject: such pairs count as same, by themselves.
        sample: images of the sample. It takes `sample * (width + 4)` numbers.
        bins: of the histograms over [-1, 1], at most 512; with `detail=True` `groups * (3 + max_turns) * bins` numbers.
        groups: of the jackknife.
        encoder: an encoder, its name for `imug_metrics.encoders.load_encoder`, or None to take embeddings only.
        detail, level, max_turns, validate, kwargs: see `MetricOptions`. Its `missing`, `average` and `bootstrap` have
            no meaning here and are refused.

    Raises:
        ValueError: if an argument is outside its range.

    Example:
        >>> import torch
        >>> metric = IdentityVerification(width=2)
        >>> metric.update(torch.tensor([[[1.0, 0.0], [1.0, 0.1]], [[0.0, 1.0], [0.1, 1.0]]]), dialogue=["a", "b"])
        >>> metric.compute()
        tensor(1., dtype=torch.float64)
    """

    name = "identity_verification"
    description = MetricDescription(
        label="Verification",
        noun="verification of identity",
        unit="AUC",
        measures="area under the ROC curve over pairs of images",
        span="0 to 1; chance is 0.5",
        direction="higher is better",
        meaning="Chance that two images of one subject are closer than images of two subjects.",
        misleads="Embeddings of whole images tell backgrounds apart, not subjects: give crops, masks or faces. Copies "
        "of one image are perfect: read the copy rate beside it.",
    )
    level_of_curve = (0.5, "chance")
    primary = "auc"
    beyond_curve = "the other estimates"
    plot_lower_bound = 0.0
    plot_upper_bound = 1.0
    configuration = (
        *EmbeddingMetric.configuration, "width", "negatives", "far", "shared_subjects", "sample", "bins", "groups",
    )  # fmt: skip
    ranges = within(SHARE, "mean", "auc", "eer", "tpr", "across", "within", "hard", "hard_within", "shared", "turn_")
    of_encoder = MappingProxyType({"dim": "width"})
    counts: Tensor
    sampled: Tensor

    def __init__(
        self,
        width: int | None = None,
        *,
        negatives: Negatives = "across",
        far: float = 0.01,
        shared_subjects: bool = False,
        sample: int = 512,
        bins: int = 512,
        groups: int = 32,
        encoder: "Encoder | str | None" = None,
        **kwargs: Unpack[MetricOptions],
    ) -> None:
        refused = sorted({"missing", "average", "bootstrap", "seed"} & kwargs.keys())
        if refused:
            raise ValueError(f"Expected no argument `{refused[0]}`: it has no meaning for pairs of images.")
        check_negatives(negatives)
        check_rate(far)
        check_bins(bins)
        check_count("sample", sample, 2)
        check_count("groups", groups, 2)
        self.width, self.negatives, self.far, self.shared_subjects = width, negatives, far, shared_subjects
        self.sample, self.bins, self.groups = sample, bins, groups
        super().__init__(encoder=encoder, **kwargs)
        self.width = getattr(self.encoder, "dim", None) if width is None else width
        if self.width is None:
            raise ValueError("Expected argument `width`: it cannot be read off an encoder. Give that of embeddings.")
        self._clusters = groups if self.detail else 1
        self._later = range(2, self.max_turns + 1) if self.detail is True else range(0)
        self._kinds = [kind for kind in _WITHIN if self.detail is True or kind in ("same", negatives)]
        self._kinds += [f"turn_{turn}" for turn in self._later]
        self.add_sums("counts", self._clusters, len(self._kinds), bins)
        self._keeps_images = self.detail is True or negatives in _ACROSS
        if self._keeps_images:
            self.add_sample("sampled", sample, _PLACES + self.width)

    def update(
        self,
        images: Images,
        *,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        subject: Ids | None = None,
        group: Labels | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            images: embeddings `[N, D]` or `[B, T, D]` of each image's subject, or images when there is an `encoder`, as
                for `TurnAlignment`; zero rows count as absent.
            subject: who is shown, as ids; None: each dialogue has one subject, and no two the same.
            group: names or integers, `[N]` or `[B, T]`: images of look-alikes, or before one background; None, -1 or
                NaN for none. It concerns the pairs called hard alone.
            dialogue, turn, valid, lengths: as in every metric, see `DialogueMetric`. Dialogues without ids are told
                apart by their images.

        Raises:
            InputError: if shapes differ, the width is not that of the metric, or turns are refused.
        """
        column = self._images(images)
        if column.width == 0:  # nothing in it tells a width
            assert self.width is not None
            nothing = column.values.new_zeros(len(column.values), self.width)
            column = column._replace(values=nothing, width=self.width)
        columns = {"images": column} | ({} if group is None else {"group": group_column(group)})
        inputs = self._pack(columns, dialogue, turn, subject, valid, lengths)
        batch, rows = inputs.batch, inputs.columns["images"].detach()
        if rows.shape[1] != self.width:
            raise InputError("images", f"to have the width of the metric, {self.width}", rows.shape[1])
        there = batch.valid & has_direction(rows)
        if self.detail:
            alone = batch.sum_segments(there) < 2
            self._add(batch, torch.where(there & ~batch.spread(alone), 1.0, torch.nan))
        units = unit_rows(rows, there)
        ids = (batch.ids if dialogue is not None else content_ids(batch, units))[batch.spread(batch.owner)]
        folded_ids = ids.double() if dialogue is None else folded(ids)  # those by content are folded
        images_of = _Images(units, there, folded_ids, inputs.columns.get("group"))
        self._count_pairs(batch, images_of)
        if self._keeps_images:
            self._take_images(batch, ids, images_of)

    def _count_pairs(self, batch: DialogueBatch, images: _Images) -> None:
        """Count the pairs within dialogues by group of dialogues, kind and bin."""
        first, second = dialogue_pairs(batch)
        cosine = paired_cosine(images.units, images.units, first, second)
        column = bin_of(cosine, self.bins)
        if self._clusters > 1:
            column += group_of(images.dialogue.long(), self._clusters)[first] * (len(self._kinds) * self.bins)
        # A pair counts once as of one subject or of two, and once more as of a turn or as hard.
        chosen = {"same": cosine == cosine}  # both images are there
        if batch.starts is not None:  # dialogues follow several subjects
            same = batch.segment[first] == batch.segment[second]
            chosen = {"same": chosen["same"] & same, "within": chosen["same"] & ~same}
            if images.group is not None:
                chosen["hard_within"] = chosen["within"] & (images.group[first] == images.group[second])
        counted = [kind for kind in chosen if kind in self._kinds]
        places = [(column + self._kinds.index(kind) * self.bins, chosen[kind]) for kind in counted]
        if self._later:
            turn = batch.turn[second]
            shown = chosen["same"] & batch.is_first()[first] & (turn >= 2) & (turn <= self.max_turns)
            turn = turn.clamp(2, self.max_turns) + (self._kinds.index("turn_2") - 2)
            places.append((column + turn * self.bins, shown))
        place, pairs = (torch.cat(parts) if len(parts) > 1 else parts[0] for parts in zip(*places))
        added = torch.zeros(self.counts.numel(), dtype=torch.float64, device=place.device)
        added.index_put_((place,), pairs.double(), accumulate=True)
        self._increase("counts", added.view_as(self.counts).to(self.device))

    def _take_images(self, batch: DialogueBatch, ids: Tensor, images: _Images) -> None:
        """Take images into the sample."""
        named = () if batch.subject is None else (batch.subject,)
        keys = hash_keys(ids, batch.turn, *named)
        keys = keys.where(images.there, constant(_no_key, like=keys))
        no_groups = constant(_no_groups, len(keys), like=keys)
        group = no_groups if images.group is None else images.group.nan_to_num(_NO_GROUP)
        # Below 0: who is named in another update is not who a dialogue without names shows.
        who = -1 - images.dialogue if batch.subject is None else folded(batch.subject)
        places = [column[:, None] for column in (keys, images.dialogue, who, group)]
        self._replace("sampled", add_rows(self.sampled, torch.cat([*places, images.units], 1)))

    def _needed(self) -> tuple[()]:
        return ()  # the counts by group are a state of their own

    def compute(self) -> Tensor | dict[str, Tensor]:
        """The area under the curve, or with `detail=True` all estimates with their intervals."""
        if not self.detail:
            counts = self.histograms()
            return area_under_curve(counts["same"], counts[self.negatives])
        return self._result(self._estimated())

    def histograms(self) -> dict[str, Tensor]:
        """Numbers of pairs by bin of the cosine, to plot: float64 `[bins]` by kind, and the `edges` `[bins + 1]`.

        Example:
            >>> import torch
            >>> metric = IdentityVerification(width=2, bins=4)
            >>> metric.update(torch.eye(2)[[0, 0, 1]].view(1, 3, 2), dialogue=["a"])
            >>> metric.histograms()["same"]
            tensor([0., 0., 2., 1.], dtype=torch.float64)
        """
        total, _ = self._all_counts()
        return {"edges": bin_edges(self.bins, total), **dict(zip(self._names(), total))}

    def _names(self) -> list[str]:
        """Kinds of all pairs, in the order of `_all_counts`."""
        return [*self._kinds, *_ACROSS]

    def _all_counts(self) -> tuple[Tensor, Tensor]:
        """Histograms `[K, bins]` of all kinds, and what each group of dialogues takes from them, `[groups, K, bins]`.

        A pair across dialogues goes with either of its groups.
        """
        across, taken = self._across()
        return torch.cat([self.counts.sum(0), across]), torch.cat([self.counts, taken], 1)

    def _across(self) -> tuple[Tensor, Tensor]:
        """The same of the pairs of the sample."""
        shape = len(_ACROSS), self.bins
        if not self._keeps_images:
            return self.counts.new_zeros(shape), self.counts.new_zeros(self._clusters, *shape)
        rows = sampled_rows(self.sampled)
        dialogue, subjects, group = rows[:, :_PLACES].unbind(1)
        cluster, units = group_of(dialogue.long(), self._clusters), rows[:, _PLACES:]
        number, cells = torch.arange(len(rows), device=rows.device), len(_ACROSS) * self.bins
        total, taken = self.counts.new_zeros(cells), self.counts.new_zeros(self._clusters * cells)
        for part in torch.split(number, 512):  # so that no matrix of all pairs is made
            column = bin_of(units[part] @ units.mT, self.bins)
            later = number > part[:, None]
            apart = later & (dialogue[part, None] != dialogue)
            alike = subjects[part, None] == subjects
            grouped = (group[part, None] == group) & (group != _NO_GROUP)
            kinds = (apart & ~alike, apart & ~alike & grouped, apart & alike & self.shared_subjects)
            for kind, chosen in enumerate(kinds):
                one, two = chosen.nonzero().unbind(1)
                place = column[one, two] + kind * self.bins
                total += torch.bincount(place, minlength=cells)
                first, second = (place + cells * groups for groups in (cluster[part][one], cluster[two]))
                taken += torch.bincount(torch.cat([first, second[first != second]]), minlength=len(taken))
        return total.view(shape), taken.view(self._clusters, *shape)

    def _estimated(self) -> dict[str, Tensor]:
        """All estimates with their intervals, and what is counted."""
        total, taken = self._all_counts()
        estimates = self._estimates_by_name(total)
        names, value = [*estimates], torch.stack([*estimates.values()])
        same, different = self._weights_by_group(names, taken.sum(2))
        replicates = torch.stack([*self._estimates_by_name(total - taken).values()], -1)
        error, _ = jackknife(replicates, same + different > 0)
        share = torch.tensor([self._range(name) == SHARE for name in names], device=value.device)
        groups = _fewer(*(Weights(weight.sum(0), weight.square().sum(0)) for weight in (same, different)))
        bounds = jackknife_interval(value, error, groups, self._weights_by_dialogue(names), share, self.level)
        counts = dict(zip(self._names(), total))
        different_pairs = counts[self.negatives]
        unseen = different_pairs.sum() * self.far < 1
        found: dict[str, Tensor] = {}
        for row, name in enumerate(names):
            key, reason = f"{self.name}_{name}", bounds.reason[row]
            found |= {key: value[row], f"{key}_lower": bounds.lower[row], f"{key}_upper": bounds.upper[row]}
            if name == "tpr" and different_pairs.sum() > 0:
                reason = torch.where(unseen, REASONS.index(FEW_PAIRS), reason)
            found |= {f"{key}_reason": reason} if int(reason) else {}
        found[f"{self.name}_threshold"] = self._scores(counts["same"], different_pairs).threshold
        found[f"{self.name}_bin_error"] = tie_share(counts["same"], different_pairs)
        kinds = [kind for kind in (*_WITHIN, *_ACROSS) if kind in counts and (kind != "shared" or self.shared_subjects)]
        return found | {f"{self.name}_{kind}_pairs": counts[kind].sum() for kind in kinds} | self._counts()

    def _scores(self, same: Tensor, different: Tensor) -> VerificationScores:
        edges = bin_edges(self.bins, same)
        return of_counts(same, different, self.far, edges[:-1], (edges[:-1] + edges[1:]) / 2)

    def _estimates_by_name(self, counts: Tensor) -> dict[str, Tensor]:
        """Estimates `[...]` of histograms `[..., K, bins]`, the primary one first."""
        of = dict(zip(self._names(), counts.unbind(-2)))
        different = of[self.negatives]
        scores = self._scores(of["same"], different)
        found = {"auc": scores.auc, "eer": scores.eer, "tpr": scores.tpr, "dprime": scores.dprime}
        found |= {kind: area_under_curve(of["same"], of[kind]) for kind in NEGATIVES if kind in of}
        if self.shared_subjects:
            found["shared"] = area_under_curve(of["shared"], different)
        curve = {f"turn_{turn}": area_under_curve(of[f"turn_{turn}"], different) for turn in self._later}
        if curve:
            found["dprime_slope"] = self._slope(torch.stack([of[name] for name in curve], -2), different)
        return found | curve

    def _slope(self, same: Tensor, different: Tensor) -> Tensor:
        """Slope of d' over turns `[...]`, of the histograms of each turn `[..., T, bins]`."""
        edges = bin_edges(self.bins, same)
        distance = decidability(same, different.unsqueeze(-2), (edges[:-1] + edges[1:]) / 2)
        return _least_squares_slope(distance, same.sum(-1), self._later)

    def _weights_by_group(self, names: list[str], pairs: Tensor) -> tuple[Tensor, Tensor]:
        """Numbers of pairs of one subject and of two that each estimate has of each group, `[groups, E]`."""
        of = dict(zip(self._names(), pairs.unbind(1)))
        of["dprime_slope"] = sum((of[f"turn_{turn}"] for turn in self._later), pairs.new_zeros(len(pairs)))
        of_same = [of[name] if name in _OWN_PAIRS or name.startswith("turn_") else of["same"] for name in names]
        different = [of[name if name in NEGATIVES else self.negatives] for name in names]
        return torch.stack(of_same, 1), torch.stack(different, 1)

    def _weights_by_dialogue(self, names: list[str]) -> Weights:
        """How the images with a pair fall on dialogues, `[E]`; of points of the curve those of their turn."""
        ratios = [f"{name if name.startswith('turn_') else 'mean'}.den" for name in names]
        columns = torch.tensor([self._components.index(ratio) for ratio in ratios], device=self.device)
        return component_weights(unpack_moments(self.moments), columns)


def _fewer(one: Weights, two: Weights) -> Weights:
    """The weights of fewer effective groups."""
    first = one.effective <= two.effective
    return Weights(*(torch.where(first, *parts) for parts in zip(one, two)))


def _least_squares_slope(curve: Tensor, weights: Tensor, turns: range) -> Tensor:
    """Weighted least-squares slope `[...]` of a curve `[..., T]` over turns; NaN with fewer than two points."""
    x = torch.tensor([*turns], dtype=curve.dtype, device=curve.device)
    weights, y = weights * curve.isfinite(), curve.nan_to_num(0)
    total = weights.sum(-1, keepdim=True).clamp_min(1)
    x = x - (weights * x).sum(-1, keepdim=True) / total
    spread = (weights * x * x).sum(-1)
    several = (weights > 0).sum(-1) > 1
    return (weights * x * y).sum(-1) / torch.where(several, spread, torch.nan)


def _no_key(device: torch.device) -> Tensor:
    return torch.tensor(NO_KEY, dtype=torch.float64, device=device)


def _no_groups(count: int, device: torch.device) -> Tensor:
    return torch.full((count,), _NO_GROUP, dtype=torch.float64, device=device)
