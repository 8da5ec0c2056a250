# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Are two images of one subject closer than images of two: verification, from embeddings or from scores of pairs."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from imug_kernels import cross_stats, paired_cosine
from torch import Tensor

from imug_metrics._constants import constant
from imug_metrics.dialogues.arguments import Ids, Images, Labels, Numbers, Turns
from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.dialogues.checks import Check
from imug_metrics.dialogues.columns import Column, embedding_column, flatten_lists, score_column
from imug_metrics.dialogues.holders import is_integer, opened, place_of, shown
from imug_metrics.dialogues.ids import hash_ids
from imug_metrics.dialogues.inputs import PackedInputs, pack_inputs
from imug_metrics.dialogues.padding import has_direction
from imug_metrics.dialogues.unit_rows import unit_rows
from imug_metrics.errors import InputError
from imug_metrics.stats import verification
from imug_metrics.stats.verification import bin_of, on_grid

Negatives = Literal["across", "within", "hard", "hard_within"]
NEGATIVES: tuple[Negatives, ...] = ("across", "within", "hard", "hard_within")
MAX_BINS = 512
"""Of a histogram, as the fused kernel has it."""


class VerificationScores(NamedTuple):
    """How well scores tell pairs of one subject from pairs of two, float64 scalars; NaN where undefined.

    Attributes:
        auc: chance that a same-subject pair scores above a different-subject pair, ties counted half, 0 to 1.
        eer: equal error rate, 0 to 1.
        tpr: share of same-subject pairs accepted at the wanted rate of false accepts, 0 to 1.
        threshold: the score from which pairs are accepted there.
        dprime: distance of the means in standard deviations.
    """

    auc: Tensor
    eer: Tensor
    tpr: Tensor
    threshold: Tensor
    dprime: Tensor


class VerificationCurve(NamedTuple):
    """The ROC curve, float64 `[U + 1]` by falling threshold; the first point accepts nothing.

    Attributes:
        fmr: false match rate, the share of different-subject pairs with a score of at least the threshold.
        tpr: true match rate, the same of same-subject pairs; 1 less it is the false non-match rate.
        threshold: infinity, and all distinct scores.
    """

    fmr: Tensor
    tpr: Tensor
    threshold: Tensor


class IdentityPairs(NamedTuple):
    """Pairs of images by kind: cosines float64 `[P]`, or counts int64 `[bins]` over [-1, 1].

    Attributes:
        same: of one subject in one dialogue.
        within: of two subjects in one dialogue.
        across: of two subjects in two dialogues.
        hard_within: those of `within` whose images are of one `group`.
        hard: those of `across` whose images are of one `group`.
        shared: of one subject id in two dialogues.
    """

    same: Tensor
    within: Tensor
    across: Tensor
    hard_within: Tensor
    hard: Tensor
    shared: Tensor


def identity_verification(
    images: Images,
    *,
    subject: Ids | None = None,
    group: Labels | None = None,
    dialogue: Ids | None = None,
    turn: Turns | None = None,
    valid: Tensor | None = None,
    lengths: Tensor | None = None,
    negatives: Negatives = "across",
    bins: int | None = None,
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor:
    r"""Is an image closer to another of its subject than images of two subjects are? Higher is better, chance 0.5.

    .. math:: \mathrm{AUC} = P(s > d) + P(s = d) / 2

    for the cosine s of a pair of images of one subject in one dialogue, and d of a pair of two subjects: the area under
    the ROC curve of verification. All pairs count.

    Args:
        images: embeddings of each subject (crop, mask or face), `[N, D]` or `[B, T, D]`; zero rows count as absent.
        subject: who is shown; None: each dialogue has one subject, and no two the same. Pairs of equal ids in two
            dialogues are left out, since people number subjects anew in every dialogue.
        group: of look-alikes, or of images before one background, for `negatives="hard"`.
        dialogue, turn, valid, lengths: as in `align_rows`.
        negatives: the pairs of two subjects: `"across"` dialogues, `"within"` one, or those of them that are of one
            `group`, `"hard"` and `"hard_within"`.
        bins: None: exactly, with all cosines of all pairs in memory; else from histograms of so many bins, at most 512,
            in memory that does not grow with the number of pairs. The area is then off by at most half the chance that
            both pairs fall into one bin.
        reduction: `"mean"`: the area; `"none"`: by record, the mean over its same-subject pairs of the share of
            different-subject pairs that are less close, of which the area is the mean by pair.

    Returns:
        float64 scalar, or values in the shape of the records, in [0, 1]; NaN without pairs of both kinds, and for an
        image without another one of its subject.

    Raises:
        ValueError: if `negatives` or `reduction` is unknown.
        InputError: if shapes differ, turns are refused, or `bins` is out of its range.

    Example:
        >>> images = torch.tensor([[[1.0, 0.0], [1.0, 0.1]], [[0.0, 1.0], [0.1, 1.0]]])
        >>> identity_verification(images)
        tensor(1., dtype=torch.float64)
    """
    check_negatives(negatives)
    if reduction not in ("mean", "none"):
        raise ValueError(f"Expected argument `reduction` to be 'mean' or 'none', got {reduction!r}.")
    inputs = _packed(images, subject, group, dialogue, turn, valid, lengths)
    pairs, found = _pairs(inputs, bins)
    different = getattr(found, negatives)
    if reduction == "mean":
        same, different = (found.same, different) if bins else _counts(found.same, different)[1:]
        return verification.area_under_curve(same, different)
    placement = _placements(pairs.cosine[pairs.same], different, bins)
    return inputs.unpack(_by_record(placement, pairs, len(inputs.batch.turn)))


def identity_pairs(
    images: Images,
    *,
    subject: Ids | None = None,
    group: Labels | None = None,
    dialogue: Ids | None = None,
    turn: Turns | None = None,
    valid: Tensor | None = None,
    lengths: Tensor | None = None,
    bins: int | None = None,
) -> IdentityPairs:
    """Cosines of all pairs of images by kind, for `verification_scores`; or their histograms.

    Args:
        images, subject, group, dialogue, turn, valid, lengths: as in `identity_verification`.
        bins: None: the cosines, of N images about 12 N^2 bytes; else the counts of so many bins, at most 512, for
            `verification_histograms`, by the kernel that never makes the N x N matrix.

    Returns:
        Cosines, which are differentiable, or counts.

    Raises:
        InputError: as `identity_verification`.

    Example:
        >>> images = torch.tensor([[[1.0, 0.0], [1.0, 0.1]], [[0.0, 1.0], [0.1, 1.0]]])
        >>> pairs = identity_pairs(images)
        >>> len(pairs.same), len(pairs.across), float(verification_scores(pairs.same, pairs.across).eer)
        (2, 4, 0.0)
        >>> identity_pairs(images, bins=4).same
        tensor([0, 0, 0, 2])
    """
    return _pairs(_packed(images, subject, group, dialogue, turn, valid, lengths), bins)[1]


def verification_scores(same: Numbers, different: Numbers, far: float = 0.01) -> VerificationScores:
    """How well scores of pairs tell one subject from two, exactly.

    With FMR and FNMR = 1 - TPR at a threshold, the shares of different-subject pairs that reach it and of same-subject
    pairs that do not:

    - `auc` is the area under the ROC curve, ties counted half, as scikit-learn's `roc_auc_score`
    - `eer` is FMR = FNMR on the straight lines between the curve's points, whose area `auc` is. Others take the mean
      of both rates at the threshold where they are nearest (speechbrain), or the curve's convex hull (BOSARIS)
    - `tpr` is TPR at the lowest threshold with FMR <= `far`, and `threshold` that one: a step, never between two
      thresholds (NISTIR 8238). Fewer than `1 / far` different-subject pairs cannot show so small a rate: both are NaN.
      So is the threshold where even the highest score is reached by too many of them, and the TPR 0
    - `dprime` is `(mean same - mean different) / sqrt((var same + var different) / 2)` with variances of divisor n
      (Green and Swets, 1966; Daugman's decidability); NaN where neither varies

    Args:
        same, different: scores `[P]` and `[Q]`, higher for more alike; what is not finite is left out.
        far: wanted rate of false accepts, between 0 and 1.

    Returns:
        Scalars, of which `dprime` is differentiable; NaN without scores of both kinds.

    Raises:
        InputError: if `far` is outside its range, or scores are no numbers `[P]`.

    Example:
        >>> found = verification_scores([0.9, 0.8, 0.4], [0.5, 0.3, 0.2, 0.1], far=0.25)
        >>> [round(float(value), 3) for value in found]
        [0.917, 0.25, 1.0, 0.4, 2.296]
    """
    check_rate(far)
    of_same, of_different = _scores("same", same), _scores("different", different)
    values, same_counts, different_counts = _counts(of_same, of_different)
    found = of_counts(same_counts, different_counts, far, values, values)
    (mean, variance), (mean_different, variance_different) = _moments(of_same), _moments(of_different)
    dprime = verification.standard_distance(mean, mean_different, variance, variance_different)
    return found._replace(dprime=dprime)


def verification_histograms(same: Numbers, different: Numbers, far: float = 0.01) -> VerificationScores:
    """How well cosines of pairs tell one subject from two, from histograms over [-1, 1].

    Thresholds are the lower ends of bins, at which both rates are exact. So `auc` is off by at most half the chance
    that both pairs fall into one bin; `tpr` is at most what scores give, and too low by at most the share of
    same-subject pairs in one bin; `eer` lies between the rates of two neighbouring thresholds. `dprime` takes every
    cosine as the middle of its bin: means and standard deviations are off by at most half a bin.

    Args:
        same, different: counts `[bins]`, as of `identity_pairs(..., bins=...)` or `imug_kernels.cross_stats`.
        far: as in `verification_scores`.

    Returns:
        Scalars as of `verification_scores`.

    Raises:
        InputError: if `far` is outside its range, counts have no or two shapes or are no whole numbers from 0 on.

    Example:
        >>> verification_histograms(torch.tensor([0, 0, 1, 2]), torch.tensor([1, 2, 1, 0]), far=0.25).tpr
        tensor(1., dtype=torch.float64)
    """
    check_rate(far)
    of_same, of_different = _histogram("same", same), _histogram("different", different)
    if of_same.shape != of_different.shape:
        raise InputError("different", f"to have {len(of_same)} bins, as `same`", len(of_different))
    edges = verification.bin_edges(len(of_same), of_same)
    return of_counts(of_same, of_different, far, edges[:-1], (edges[:-1] + edges[1:]) / 2)


def verification_curve(same: Numbers, different: Numbers) -> VerificationCurve:
    """The ROC curve of scores of pairs, with every distinct score as a threshold.

    Args:
        same, different: as in `verification_scores`.

    Returns:
        Rates and thresholds, as scikit-learn's `roc_curve(..., drop_intermediate=False)`; NaN of a kind without scores.

    Raises:
        InputError: if scores are no numbers `[P]`.

    Example:
        >>> verification_curve([0.9, 0.4], [0.4, 0.1]).threshold
        tensor([   inf, 0.9000, 0.4000, 0.1000], dtype=torch.float64)
    """
    values, *counts = _counts(_scores("same", same), _scores("different", different))
    rates = verification.accepted_rates(*counts)
    return VerificationCurve(*rates, torch.cat([values.new_tensor([torch.inf]), values.flip(0)]))


def of_counts(same: Tensor, different: Tensor, far: float, thresholds: Tensor, values: Tensor) -> VerificationScores:
    """All scores `[...]` of counts by rising score.

    Args:
        same, different: counts `[..., U]`.
        far: wanted rate of false accepts.
        thresholds: `[U]`, from where on a pair has the score.
        values: `[U]`, what the score stands for.
    """
    rates = verification.accepted_rates(same, different)
    tpr, point = verification.rate_at(rates, different, far)
    return VerificationScores(
        verification.area_under_curve(same, different),
        verification.equal_error_rate(rates),
        tpr,
        verification.threshold_at(tpr, point, thresholds),
        verification.decidability(same, different, values),
    )


def check_negatives(negatives: Negatives) -> None:
    """Raise ValueError unless the kind of pairs is known."""
    if negatives not in NEGATIVES:
        raise ValueError(f"Expected argument `negatives` to be one of {NEGATIVES}, got {negatives!r}.")


def check_rate(far: float) -> None:
    """Raise InputError unless a rate of false accepts can be wanted."""
    if not 0 < far < 1:
        raise InputError("far", "to be between 0 and 1", far)


def check_bins(bins: int) -> None:
    """Raise InputError unless a histogram can have so many bins."""
    if type(bins) is not int or not 2 <= bins <= MAX_BINS:
        raise InputError("bins", f"to be an integer from 2 to {MAX_BINS}", bins)


def group_column(group: Labels) -> Column:
    """Groups as numbers that are the same in every update, NaN for none.

    Args:
        group: names or integers `[N]` or `[B, T]`; None, -1 or NaN: none.

    Raises:
        InputError: if an entry is neither, or the kinds are mixed.

    Example:
        >>> group_column([3, None, -1]).values
        tensor([3., nan, nan], dtype=torch.float64)
    """
    given = opened("group", group)
    if isinstance(given, list):
        names, shape, _, ends = flatten_lists("group", given)
        if any(isinstance(name, str) for name in names):
            return Column(_hashed(names, shape), shape, None, ends)
    column = score_column("group", given)
    values = column.values.masked_fill(column.values == -1, torch.nan)

    def error(cell: int) -> InputError:
        got = f"{float(column.values[cell]):g}"
        return InputError("group", "to hold names or integers", got, place_of(cell, column.shape))

    wrong = values.isfinite() & (values != values.floor())
    return column._replace(values=values, checks=(Check(wrong, error),))


def dialogue_pairs(batch: DialogueBatch) -> tuple[Tensor, Tensor]:
    """The rows of all pairs of packed rows of one dialogue, the earlier and the later, each int64 `[P]`.

    Example:
        >>> from imug_metrics.dialogues.packing import pack
        >>> dialogue_pairs(pack(torch.tensor([4, 4, 4, 9]), torch.tensor([1, 2, 3, 1])))
        (tensor([0, 0, 1]), tensor([1, 2, 2]))
    """
    if batch.width is not None and batch.starts is None:
        first, second = constant(_line_pairs, batch.segments, batch.width, like=batch.turn).unbind(0)
        return first, second
    ends = batch.offsets[1:] if batch.starts is None else batch.offsets[batch.starts[1:]]
    ends = batch.spread(ends[batch.owner])
    later = ends - batch.rows - 1
    count = int(later.sum())
    first = batch.rows.repeat_interleave(later, output_size=count)
    return first, (ends - later.cumsum(0))[first] + constant(torch.arange, count, like=batch.turn)


class _Pairs(NamedTuple):
    """Pairs of images of one dialogue: their rows, cosines, and which are of one subject."""

    first: Tensor
    second: Tensor
    cosine: Tensor
    same: Tensor


def _packed(
    images: Images,
    subject: Ids | None,
    group: Labels | None,
    dialogue: Ids | None,
    turn: Turns | None,
    valid: Tensor | None,
    lengths: Tensor | None,
) -> PackedInputs:
    columns = {"images": embedding_column("images", images)}
    columns |= {} if group is None else {"group": group_column(group)}
    return pack_inputs(columns, dialogue, turn, subject, valid, lengths)


def _pairs(inputs: PackedInputs, bins: int | None) -> tuple[_Pairs, IdentityPairs]:
    """The pairs of one dialogue, and all pairs by kind."""
    batch, rows = inputs.batch, inputs.columns["images"]
    there = batch.valid & has_direction(rows)
    group = inputs.columns.get("group", torch.full_like(rows[:, 0], torch.nan, dtype=torch.float64))
    first, second = dialogue_pairs(batch)
    used = there[first] & there[second]
    first, second = first[used], second[used]
    cosine = on_grid(paired_cosine(rows.double(), rows.double(), first, second).double())
    pairs = _Pairs(first, second, cosine, batch.segment[first] == batch.segment[second])
    hard = ~pairs.same & (group[first] == group[second])
    within = [cosine[pairs.same], cosine[~pairs.same], cosine[hard]]
    owner = batch.spread(batch.owner)
    subjects = owner if batch.subject is None else _codes(batch.subject)
    places = owner[there], subjects[there], group[there]
    if bins is None:
        across, hard_across, shared = _exact_across(rows[there], *places)
    else:
        check_bins(bins)
        within = [torch.bincount(bin_of(x, bins), minlength=bins) for x in within]
        across, hard_across, shared = _binned_across(rows[there], *places[1:], within, bins)
    return pairs, IdentityPairs(within[0], within[1], across, within[2], hard_across, shared)


def _exact_across(rows: Tensor, owner: Tensor, subject: Tensor, group: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Cosines of pairs across dialogues: of two subjects, of these the ones of one group, and of one subject."""
    units = unit_rows(rows, has_direction(rows))
    first, second = torch.triu_indices(len(rows), len(rows), 1, device=rows.device)
    cosine = on_grid((units @ units.mT)[first, second])
    apart, alike = owner[first] != owner[second], subject[first] == subject[second]
    different = apart & ~alike
    return cosine[different], cosine[different & (group[first] == group[second])], cosine[apart & alike]


def _binned_across(
    rows: Tensor, subject: Tensor, group: Tensor, within: list[Tensor], bins: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Their histograms: those of all pairs less those within dialogues, so that no pair is listed."""
    same, different = _histograms(rows, subject, bins)
    known = ~group.isnan()
    codes, subject = _codes(group[known]), _codes(subject[known])
    of_group, _ = _histograms(rows[known], codes, bins)
    of_both, _ = _histograms(rows[known], codes * len(rows) + subject, bins)
    return different - within[1], of_group - of_both - within[2], same - within[0]


def _histograms(rows: Tensor, groups: Tensor, bins: int) -> tuple[Tensor, Tensor]:
    """Histograms of all pairs of rows, each pair once: of those of one group and of those of two."""
    found = cross_stats(rows, rows, groups_x=groups, groups_y=groups, exclude_self=True, bins=bins)
    return found.same // 2, found.different // 2


def _codes(labels: Tensor) -> Tensor:
    """Numbers from 0 on that are equal where labels are."""
    codes: Tensor = torch.unique(labels, return_inverse=True)[1]
    return codes


def _scores(name: str, scores: Numbers) -> Tensor:
    column = score_column(name, scores)
    if len(column.shape) != 1:
        raise InputError(name, "to have shape [P]", list(column.shape))
    return column.values[column.values.isfinite()]


def _histogram(name: str, counts: Numbers) -> Tensor:
    column = score_column(name, counts)
    if len(column.shape) != 1 or not len(column.values):
        raise InputError(name, "to have shape [bins]", list(column.shape))
    wrong = ~((column.values >= 0) & (column.values.remainder(1) == 0))  # shares of pairs have lost their number
    if bool(wrong.any()):
        row = int(wrong.long().argmax())
        raise InputError(name, "to hold whole numbers of at least 0", f"{float(column.values[row]):g}", row)
    return column.values


def _counts(same: Tensor, different: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Distinct scores, rising, and how many pairs of each kind have them."""
    values, place = torch.unique(torch.cat([same, different]).detach(), return_inverse=True)
    parts = place[: len(same)], place[len(same) :]
    of_same, of_different = (torch.bincount(part, minlength=len(values)) for part in parts)
    return values, of_same, of_different


def _moments(scores: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance, of divisor n; NaN of none."""
    mean = scores.mean()
    return mean, (scores - mean).square().mean()


def _placements(cosine: Tensor, different: Tensor, bins: int | None) -> Tensor:
    """The share of different-subject pairs that are less close than each pair, ties counted half `[P]`."""
    if bins is None:
        ordered = different.detach().sort().values
        below, upto = (torch.searchsorted(ordered, cosine.detach(), right=right) for right in (False, True))
        total = len(ordered)
    else:
        upto_bin, place = different.cumsum(0), bin_of(cosine, bins)
        upto, below = upto_bin[place], (upto_bin - different)[place]
        total = int(different.sum())
    return (below + upto).double() / (2 * total if total else torch.nan)


def _by_record(placement: Tensor, pairs: _Pairs, count: int) -> Tensor:
    """The mean `[count]` of what the same-subject pairs of each row have; NaN for a row without any."""
    rows = torch.cat([side[pairs.same] for side in (pairs.first, pairs.second)])
    sums = [placement.new_zeros(count).index_put((rows,), part.repeat(2), accumulate=True)
            for part in (placement, torch.ones_like(placement))]  # fmt: skip
    return sums[0] / torch.where(sums[1] > 0, sums[1], torch.nan)


def _line_pairs(lines: int, width: int, device: torch.device) -> Tensor:
    start = torch.arange(lines, device=device)[None, :, None] * width
    return (torch.triu_indices(width, width, 1, device=device)[:, None] + start).flatten(1)


def _hashed(names: list[object], shape: tuple[int, ...]) -> Tensor:
    """Names as whole numbers that float64 holds; NaN for None."""
    present = [(cell, name) for cell, name in enumerate(names) if name is not None]
    is_name = isinstance(present[0][1], str)
    for cell, name in present:
        if isinstance(name, str) != is_name or not (isinstance(name, str) or is_integer(name)):
            raise InputError("group", "to hold names or integers, not mixed", shown(name), place_of(cell, shape))
    codes = (hash_ids([name or "" for name in names], "group", shape) >> 11).double()
    return codes.masked_fill(torch.tensor([name is None for name in names]), torch.nan)
