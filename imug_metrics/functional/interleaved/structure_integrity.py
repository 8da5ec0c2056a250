# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Does an interleaved answer hold the modalities, and as many items of each, as its reference."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from imug_metrics.dialogues.checks import Check, look
from imug_metrics.dialogues.columns import Column, check_shapes
from imug_metrics.dialogues.holders import place_of
from imug_metrics.errors import InputError
from imug_metrics.functional.interleaved.tag_counts import Answers, count_column
from imug_metrics.reading.tags import REPEATED, TEXT_TYPES, Repeated, TextType


class Structure(NamedTuple):
    """Structure of answers against their references.

    Attributes:
        strict: StS, mean over modality types of answer or reference of the F1 of their numbers of items; in [0, 1].
        lenient: LeS, share of the reference's modality types that the answer holds; in [0, 1].
        f1: by modality, in the order of `MODALITIES`; NaN where neither answer nor reference holds it.
    """

    strict: Tensor
    lenient: Tensor
    f1: Tensor


def structure_integrity(
    preds: Answers,
    target: Answers,
    *,
    available: Sequence[Collection[str] | None] | None = None,
    repeated: Repeated = "once",
    text: TextType = "tags",
    empty: float = 1.0,
    reduction: Literal["mean", "none"] = "mean",
) -> Structure:
    """Strict and lenient structure score of UniM (arXiv 2603.05075). Range 0 to 1, higher is better.

    With p_m and g_m items of modality m in answer and reference,

        StS = mean over m with p_m + g_m > 0 of F1_m,   F1_m = 2 min(p_m, g_m) / (p_m + g_m)
        LeS = |{m : p_m > 0 and g_m > 0}| / |{m : g_m > 0}|

    Numbers are compared, not indices: `<image2>` may answer `<image1>`. What the paper leaves open are arguments.

    Args:
        preds: answers, in any of the forms of `count_column`: texts with tags,
            lists of (modality, id), or counts `[N, 7]`.
        target: references, in any of these forms.
        available: by answer, the names of the items whose file is there ("image2"), in a list or one list a dialogue; a
            tag without file does not count. None, for one answer or for all: not checked.
        repeated: a tag that comes twice is one item (`"once"`) or two (`"each"`).
        text: what counts as an item of text: `<text1>` tags (`"tags"`), also prose around the tags as one item
            (`"prose"`), or nothing (`"ignore"`).
        empty: StS where neither holds an item, and LeS where the reference holds none.
        reduction: `"none"`, or `"mean"` over the answers that have a value.

    Returns:
        float64 `strict` and `lenient`, scalars or in the shape of the answers, NaN where answer or reference is absent,
        and `f1`, the same with one more dimension of size 7.

    Raises:
        InputError: if shapes differ, counts are not whole numbers >= 0, a modality is not known, or an answer has none
            of the forms.

    Example:
        >>> scores = structure_integrity(["A <image1> and <image2>."], ["See <image1>, hear <audio1>."])
        >>> scores.strict, scores.lenient  # image F1 2/3, audio F1 0
        (tensor(0.3333, dtype=torch.float64), tensor(0.5000, dtype=torch.float64))
    """
    check_reading(repeated, text, empty)
    answers = count_column("preds", preds, repeated=repeated, text=text, available=available)
    references = count_column("target", target, repeated=repeated, text=text)
    check_shapes(preds=answers, target=references)
    columns = checked_counts("preds", answers), checked_counts("target", references)
    look([check for column in columns for check in column.checks], like=columns[0].values)
    counts = columns[0].values, columns[1].values
    scores = score_counts(*counts, empty)
    if reduction == "mean":
        return Structure(scores.strict.nanmean(), scores.lenient.nanmean(), scores.f1.nanmean(0))
    if reduction != "none":
        raise ValueError(f"Expected argument `reduction` to be 'mean' or 'none', got {reduction!r}.")
    return Structure(*(part.view(*answers.shape, *part.shape[1:]) for part in scores))


def score_counts(preds: Tensor, target: Tensor, empty: float = 1.0) -> Structure:
    """Structure from counts, by the formulas of `structure_integrity`.

    Args:
        preds: items of the answers by modality, `[..., 7]`; NaN where the answer is absent.
        target: items of the references, of the same shape.
        empty: value where there is nothing to compare.

    Returns:
        float64 `strict` and `lenient` `[...]`, `f1` `[..., 7]`, on the device of `preds`.

    Example:
        >>> score_counts(torch.tensor([[0, 2, 0, 0, 0, 0, 1]]), torch.tensor([[0, 2, 0, 0, 0, 0, 2]])).strict
        tensor([0.8333], dtype=torch.float64)
    """
    preds, target = preds.double(), target.double().to(preds.device)
    strict, f1 = strict_scores(preds, target, empty)
    asked = (target > 0).sum(-1)
    lenient = (((preds > 0) & (target > 0)).sum(-1) / asked.double()).masked_fill(asked == 0, empty)
    absent = (preds + target).sum(-1).isnan()
    return Structure(strict, lenient.masked_fill(absent, torch.nan), f1.masked_fill(absent[..., None], torch.nan))


def strict_scores(preds: Tensor, target: Tensor, empty: float = 1.0) -> tuple[Tensor, Tensor]:
    """The strict score `[...]` of `score_counts` alone, and the F1 `[..., 7]` it is the mean of; counts are floating.

    Example:
        >>> strict_scores(torch.tensor([[0.0, 2.0]]), torch.tensor([[0.0, 2.0]]))
        (tensor([1.]), tensor([[nan, 1.]]))
    """
    total = preds + target
    f1 = 2 * torch.minimum(preds, target) / total  # NaN where neither holds a modality
    union, every = (total > 0).sum(-1), total.sum(-1)
    strict = (f1.nansum(-1) / union).masked_fill(union == 0, empty)
    return strict.masked_fill(every != every, torch.nan), f1


def checked_counts(argument: str, rows: Column) -> Column:
    """Counts `[N, 7]` as float64, NaN where the answer is absent, with the check that they are whole numbers >= 0.

    Args:
        argument: its name, for errors.
        rows: of counts.
    """
    counts = rows.values.double()
    there = None if rows.present is None else rows.present.to(counts.device)
    if rows.values.is_floating_point():
        # The whole number of what is below 0 or broken differs from it; NaN passes, and what is infinite does not.
        finite = counts.nan_to_num(0.0, -1.0, -1.0)
        wrong = finite != finite.abs().floor()
        total = counts.sum(1)
        known = (total == total).view(rows.shape)  # an infinite count is a wrong one and not an absent answer
        there = known if there is None else there & known
    else:
        wrong = counts < 0

    def error(place: int) -> InputError:
        cell = place // counts.shape[1]
        return InputError(argument, "to hold whole numbers >= 0", counts[cell].tolist(), place_of(cell, rows.shape))

    values = counts if there is None else counts.where(there.view(-1, 1), torch.nan)
    values = values.nan_to_num(torch.nan, torch.nan, torch.nan) if rows.values.is_floating_point() else values
    return rows._replace(values=values, present=there, checks=(Check(wrong, error),))


def check_reading(repeated: Repeated, text: TextType, empty: float) -> None:
    """Raise ValueError unless the first two are choices and `empty` is a score or NaN.

    Example:
        >>> check_reading("twice", "tags", 1.0)
        Traceback (most recent call last):
        ValueError: Expected argument `repeated` to be one of ('once', 'each'), got 'twice'.
    """
    for name, value, choices in (("repeated", repeated, REPEATED), ("text", text, TEXT_TYPES)):
        if value not in choices:
            raise ValueError(f"Expected argument `{name}` to be one of {choices}, got {value!r}.")
    if empty < 0 or empty > 1:
        raise ValueError(f"Expected argument `empty` to lie between 0 and 1 or to be NaN, got {empty}.")
