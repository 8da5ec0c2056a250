# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Cosines of each image with the prompts of its dialogue: those that it should still show, and distractors.

The prompts of up to K records before and after an image are looked at, so that cost and memory are linear in the length
of a dialogue; with links they grow with the square of K. Its *context* are those before it that it should still show:

- in a dialogue without links, all of them;
- in a dialogue with links, those that it is linked to, directly or through a chain of links: an image that builds on
  another one builds on all that this one builds on.

All other prompts but its own are *distractors*, which it was not asked for; a set of prompts may take their place.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import torch
from imug_kernels import cross_stats, paired_cosine
from torch import Tensor
from torch.nn import functional as F

from imug_metrics._constants import constant
from imug_metrics.dialogues.arguments import Labels, Links, Texts
from imug_metrics.dialogues.arrays import BOOLEANS, read_array
from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.dialogues.checks import Check
from imug_metrics.dialogues.columns import Column, Encode, check_widths, embedding_column
from imug_metrics.dialogues.holders import place_of
from imug_metrics.dialogues.inputs import PackedInputs
from imug_metrics.dialogues.links import read_links
from imug_metrics.dialogues.padding import has_direction
from imug_metrics.dialogues.unit_rows import unit_rows
from imug_metrics.errors import InputError
from imug_metrics.functional.decay.modality import MODALITIES, are_bools, expected_kinds, modality_column

TIE = 1e-6
"""Cosines that are no further apart are equal, as in `turn_retrieval`."""
FURTHEST = 1000
"""The most prompts before an image that are looked at: chains of links, up to 2 ** 999 of them, are counted. With links
memory grows with the square of that number."""


@dataclass(frozen=True, eq=False)
class NearPrompts:
    """Cosines of packed images `[N]` with the prompts of up to K records before and after them.

    Attributes:
        images: embeddings `[N, D]`.
        cosine: `[N, 2K + 1]`, by place of the prompt; the own one is in column K. NaN where there is none, or where it
            or the image is absent, and in records that no image was asked of.
        same: bool `[N, 2K + 1]`, where there is a record of the same dialogue.
        held: bool `[N, K]`, the prompts before that an image is linked to directly; without links the one before.
        context: bool `[N, K]`, those that it is linked to directly or through a chain; without links all.
        unlinked: bool `[N, 1]`, records whose dialogue has no link, and which have one before; None without links.
        further: bool `[N]`, images that are linked to a record further back than K; None without links.
        asked: bool `[N]`, records that an image was asked of; None: all.
    """

    images: Tensor
    cosine: Tensor
    same: Tensor
    held: Tensor
    context: Tensor
    unlinked: Tensor | None
    further: Tensor | None
    asked: Tensor | None

    @property
    def back(self) -> int:
        """K."""
        return self.context.shape[1]

    @property
    def own(self) -> Tensor:
        """Cosine `[N]` with the own prompt."""
        return self.cosine[:, self.back]

    @property
    def earlier(self) -> Tensor:
        """Cosines `[N, K]` with the prompts before, of which the nearest comes last."""
        return self.cosine[:, : self.back]

    @cached_property
    def others(self) -> Tensor:
        """Bool `[N, 2K + 1]`, the prompts that are distractors: all but the context and the own one."""
        own, later = constant(_own, self.back, like=self.same), constant(_later, self.back, like=self.same)
        if self.unlinked is None:
            return self.same & later
        return self.same ^ torch.cat([self.context, own.expand(len(self.context), -1)], 1)

    def expected(self, batch: DialogueBatch, possible: Tensor) -> Tensor:
        """Bool `[N]`, records that are expected to have a value.

        Args:
            batch: the packed dialogues.
            possible: bool `[N]`, the records that would have one were everything there. Dialogues that have no such
                record at all are expected whole, so that they lower the coverage.
        """
        possible = possible if self.further is None else possible | self.further
        possible = possible if self.asked is None else possible & self.asked
        known = possible.double()
        expected = known >= batch.spread(batch.largest(known))
        return expected if self.asked is None else expected & self.asked


class Distractors(NamedTuple):
    """A set of prompts that no image was asked for.

    Attributes:
        rows: `[M, D]`.
        direction: `[1, D]`, float64, of the mean of the rows at unit length; any where that is 0. Rows without a
            direction are left out.
        length: of the mean.
    """

    rows: Tensor
    direction: Tensor
    length: Tensor

    def to(self, device: torch.device) -> Distractors:
        """The same on a device."""
        return Distractors(*(part.to(device) for part in self))


def read_distractors(distractors: Texts, encode: Encode | None = None) -> Distractors:
    """Prompts that no image was asked for, as embeddings or as items to encode.

    Raises:
        InputError: if they have another shape, or there is none with a direction.

    Example:
        >>> read_distractors([[3.0, 4.0]]).direction
        tensor([[0.6000, 0.8000]], dtype=torch.float64)
    """
    column = embedding_column("distractors", distractors, encode)
    rows, known = column.values, has_direction(column.values)
    if len(column.shape) != 1 or not bool(known.any()):
        raise InputError(
            "distractors", "to be embeddings [M, D], or strings with an encoder, at least one", [*column.shape]
        )
    units = unit_rows(rows.detach(), known)[known]
    mean = units.mean(0, keepdim=True)
    length = mean.norm()
    return Distractors(rows, mean / length if bool(length) else units[:1], length)


def mean_distractor(near: NearPrompts, distractors: Distractors | None) -> Tensor:
    """Mean cosine `[N]` of packed images with their distractors; NaN without any."""
    if distractors is None:
        return mean_where(near.cosine, near.others)
    _, direction, length = distractors.to(near.images.device)
    return (
        paired_cosine(near.images, direction, None, constant(_zero_rows, len(near.images), like=near.images)) * length
    )


def nearest_distractor(near: NearPrompts, distractors: Distractors | None) -> Tensor:
    """Largest cosine `[N]` of packed images with their distractors, without gradient; NaN without any."""
    if distractors is None:
        known = near.cosine.detach().nan_to_num(-torch.inf)
        peak = torch.where(near.others, known, constant(_minus_infinity, like=known)).amax(1)
    else:
        rows = distractors.to(near.images.device).rows
        peak = cross_stats(near.images.detach(), rows.detach().to(near.images.dtype), k=1).values[:, 0]
    return peak.nan_to_num(torch.nan, neginf=torch.nan)


def prompt_columns(
    images: Column,
    texts: Column,
    links: Links | None = None,
    modality: Labels | None = None,
    distractors: Distractors | None = None,
) -> tuple[dict[str, Column], Tensor | None, list[Check]]:
    """Columns of images, prompts and modalities, links `[E, 2]` or None, and the check of these.

    Raises:
        InputError: if links are not integers `[E, 2]`, modalities neither text nor image, or widths differ.
    """
    columns = {"images": images, "texts": texts}
    if distractors is not None:
        rows = distractors.rows
        check_widths(**columns, distractors=Column(rows, (len(rows),), width=rows.shape[1]))
    if modality is not None:
        columns["modality"] = _known_modality(modality)
    if links is None:
        return columns, None, []
    pairs, count = read_links(links, images.values.device), len(images.values)

    def error(cell: int) -> InputError:
        return InputError("links", f"to name existing rows, below {count}", pairs[cell // 2].tolist(), cell // 2)

    return columns, pairs, [Check((pairs < 0) | (pairs >= count), error)]


def check_back(max_back: Any) -> None:
    """Raise ValueError unless the number of prompts before an image that are looked at is an integer in its range.

    Example:
        >>> check_back(0)
        Traceback (most recent call last):
        ValueError: Expected argument `max_back` to be an integer, 1 to 1000, got 0.
    """
    if isinstance(max_back, bool) or not isinstance(max_back, int) or not 1 <= max_back <= FURTHEST:
        raise ValueError(f"Expected argument `max_back` to be an integer, 1 to {FURTHEST}, got {max_back!r}.")


def near_prompts(inputs: PackedInputs, max_back: int, links: Tensor | None = None) -> NearPrompts:
    """Cosines of packed images with the prompts around them, from the columns `images`, `texts` and perhaps `modality`.

    Args:
        inputs: packed records; those without an image have a prompt all the same.
        max_back: how many prompts before, and after, an image are looked at.
        links: int64 `[E, 2]`, rows of the input; the later record of the two builds on the earlier one. Those between
            dialogues are left out, and nothing is seen of what is further back.
    """
    batch, images, texts = inputs.batch, inputs.columns["images"], inputs.columns["texts"]
    # Turns that are given may have gaps, so that a record before is further back than the line is wide.
    back = max(1, min(max_back, batch.width - 1)) if batch.width is not None and batch.counted else max_back
    run = _runs(batch)
    same = F.pad(run, (back, back), value=-1).as_strided((len(run), 2 * back + 1), (1, 1)) == run[:, None]
    none = constant(_no_row, like=run)
    goal = torch.where(same, batch.rows[:, None] + constant(_around, back, like=run), none)
    asked = inputs.columns.get("modality")
    asked = asked if asked is None or asked.dtype == torch.bool else asked != MODALITIES.index("text")
    shown = batch.there if asked is None or batch.there is None else asked & batch.there
    shown = asked if shown is None else shown
    image = (batch.rows if shown is None else torch.where(shown, batch.rows, none))[:, None].expand_as(goal)
    cosine = paired_cosine(images, texts, image.flatten(), goal.flatten()).view(goal.shape)
    before = same[:, :back]
    if links is None:
        return NearPrompts(images, cosine, same, before & constant(_last, back, like=same), before, None, None, asked)
    links = links if batch.moved is None else batch.unpack(batch.rows)[links]
    direct = _linked(links, run, back)
    further = direct[:, 0] < 0
    unlinked = before[:, -1:] > batch.spread(batch.sum_segments(direct).any(1))[:, None]
    # An image of a dialogue without links builds on the one before, and through this one on all.
    direct = torch.where(unlinked, constant(_nearest, back, like=direct), direct[:, 1:])
    return NearPrompts(images, cosine, same, direct < 0, _reached(direct), unlinked, further, asked)


def mean_where(values: Tensor, chosen: Tensor) -> Tensor:
    """Mean `[N]` of the values `[N, M]` that are chosen, bool `[N, M]`, and not NaN; NaN without any."""
    values = torch.where(chosen, values, constant(_nan, like=values))
    return values.nansum(1) / (values == values).sum(1)


def _runs(batch: DialogueBatch) -> Tensor:
    """int64 `[N]`, one number for all records of a dialogue, and one below -1 for each row of padding."""
    if batch.record is None:
        return batch.segment
    return torch.where(batch.record, batch.segment, constant(_below, len(batch.turn), like=batch.turn))


def _linked(links: Tensor, run: Tensor, back: int) -> Tensor:
    """float64 `[N, K + 1]`, -1 where an image is linked to one of the K prompts before it, or in front further back.

    Args:
        links: packed rows `[E, 2]`.
        run: int64 `[N]`, as of `_runs`.
        back: K.
    """
    (goal, source), (first, second) = links.aminmax(dim=1), run[links].unbind(1)
    # Columns are counted from the end; the first of all takes what leads to no other record of the dialogue.
    column = (goal - source).masked_fill(first != second, 0).clamp(-back - 1, 0)
    table = torch.zeros(len(run), back + 2, dtype=torch.float64, device=run.device)
    return table.index_put((source, column), constant(_minus_one, like=table))[:, 1:]


def _reached(direct: Tensor) -> Tensor:
    """Bool `[N, K]`, the prompts that an image is linked to directly or by a chain of links.

    The number of chains to a prompt is one, if it is linked directly, and the chains to it of every other prompt that
    is linked directly: a triangular system of equations for each image, with the links, -1, beside a diagonal of ones.
    """
    back = direct.shape[1]
    # What the image j places before is linked to stands j columns further on, seen from this image.
    padded = F.pad(direct, (0, back, back, 0))
    others = padded.as_strided((len(direct), back, back), (2 * back, 2 * back - 1, 1), back)
    chains: Tensor = torch.linalg.solve_triangular(others, direct[:, None], upper=False, left=False, unitriangular=True)
    return chains[:, 0] < 0


def _known_modality(modality: Labels) -> Column:
    """Modalities as rows, with the check that every record has one."""
    if isinstance(modality, Tensor) and are_bools(modality):
        known = read_array("modality", modality, BOOLEANS, filler=torch.nan).values
        return Column(known.flatten(), tuple(known.shape))  # nothing to look at
    column = modality_column(modality)

    def error(cell: int) -> InputError:
        return InputError(
            "modality", expected_kinds(MODALITIES), f"{float(column.values[cell]):g}", place_of(cell, column.shape)
        )

    return column._replace(checks=(Check((column.values != 0) & (column.values != 1), error),))


def _minus_one(device: torch.device) -> Tensor:
    return torch.full((1,), -1.0, dtype=torch.float64, device=device)


def _around(back: int, device: torch.device) -> Tensor:
    return torch.arange(-back, back + 1, device=device)


def _later(back: int, device: torch.device) -> Tensor:
    return _around(back, device) > 0


def _own(back: int, device: torch.device) -> Tensor:
    """Bool `[K + 1]`, True for the own prompt, the first, of it and the later ones."""
    return torch.arange(back + 1, device=device) == 0


def _last(count: int, device: torch.device) -> Tensor:
    return torch.arange(1, count + 1, device=device) == count


def _nearest(count: int, device: torch.device) -> Tensor:
    return -_last(count, device).double()


def _zero_rows(count: int, device: torch.device) -> Tensor:
    return torch.zeros(count, dtype=torch.int64, device=device)


def _below(count: int, device: torch.device) -> Tensor:
    return torch.arange(-2, -2 - count, -1, device=device)


def _no_row(device: torch.device) -> Tensor:
    return torch.tensor(-1, device=device)


def _nan(device: torch.device) -> Tensor:
    return torch.tensor(torch.nan, dtype=torch.float64, device=device)


def _minus_infinity(device: torch.device) -> Tensor:
    return torch.tensor(-torch.inf, dtype=torch.float64, device=device)
