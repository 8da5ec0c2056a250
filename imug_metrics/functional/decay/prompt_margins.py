# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Cosines of each image with the prompts of its dialogue: those that it should still show, and distractors.

The prompts of up to K records before and after an image are looked at, so that cost and memory are linear in the length
of a dialogue. Its *context* are those before it that it should still show:

- in a dialogue without links, all of them;
- in a dialogue with links, those that it is linked to, directly or through a chain of links: an image that builds on
  another one builds on all that this one builds on.

All other prompts but its own are *distractors*, which it was not asked for; a set of prompts may take their place.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from imug_kernels import cross_stats, paired_cosine
from torch import Tensor
from torch.nn import functional as F

from imug_metrics._constants import constant
from imug_metrics.dialogues.arguments import Labels, Links, Texts
from imug_metrics.dialogues.batch import DialogueBatch, true_rows
from imug_metrics.dialogues.checks import Check
from imug_metrics.dialogues.columns import Column, Encode, check_widths, embedding_column
from imug_metrics.dialogues.holders import place_of
from imug_metrics.dialogues.inputs import PackedInputs
from imug_metrics.dialogues.links import read_links
from imug_metrics.dialogues.padding import has_direction
from imug_metrics.dialogues.unit_rows import unit_rows
from imug_metrics.errors import InputError
from imug_metrics.functional.decay.modality import MODALITIES, expected_kinds, modality_column

TIE = 1e-6
"""Cosines that are no further apart are equal, as in `turn_retrieval`."""


@dataclass(frozen=True, eq=False)
class NearPrompts:
    """Cosines of packed images `[N]` with the prompts of up to K records before and after them.

    Attributes:
        images: embeddings `[N, D]`.
        cosine: `[N, 2K + 1]`, by place of the prompt; the own one is in column K. NaN where there is none, or where it
            or the image is absent.
        same: bool `[N, 2K + 1]`, where there is a record of the same dialogue.
        context: bool `[N, K]`, the prompts before that the image should still show.
        linked: bool `[N, K]`, those that it is linked to directly; None without links.
        by_links: bool `[N, 1]`, records of dialogues with links; None without links.
        asked: bool `[N]`, records that an image was asked of; None: all.
    """

    images: Tensor
    cosine: Tensor
    same: Tensor
    context: Tensor
    linked: Tensor | None
    by_links: Tensor | None
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
    def held(self) -> Tensor:
        """Bool `[N, K]`, the prompts that an image is linked to directly; without links the one before."""
        before = self.context & constant(_last, self.back, like=self.context)
        if self.linked is None or self.by_links is None:
            return before
        return torch.where(self.by_links, self.linked, before)

    @cached_property
    def others(self) -> Tensor:
        """Bool `[N, 2K + 1]`, the prompts that are distractors."""
        later = self.same & constant(_later, self.back, like=self.same)
        if self.by_links is None:
            return later
        asked_for = F.pad(self.context, (0, self.back + 1)) | constant(_own, self.back, like=self.same)
        return torch.where(self.by_links, self.same & ~asked_for, later)

    def of_images(self, values: Tensor) -> Tensor:
        """Values `[N, ...]` with NaN in records that no image was asked of."""
        if self.asked is None:
            return values
        return values.masked_fill(~self.asked.view(-1, *[1] * (values.ndim - 1)), torch.nan)

    def expected(self, batch: DialogueBatch, possible: Tensor) -> Tensor:
        """Bool `[N]`, records that are expected to have a value.

        Args:
            batch: the packed dialogues.
            possible: bool `[N]`, the records that would have one were everything there. Dialogues that have no such
                record at all are expected whole, so that they lower the coverage.
        """
        possible = possible if self.asked is None else possible & self.asked
        expected = possible | (batch.spread(batch.largest(possible.double())) < 1)
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
    return paired_cosine(near.images, direction, None, constant(_first, len(near.images), like=near.images)) * length


def nearest_distractor(near: NearPrompts, distractors: Distractors | None) -> Tensor:
    """Largest cosine `[N]` of packed images with their distractors, without gradient; NaN without any."""
    if distractors is None:
        peak = near.cosine.detach().nan_to_num(-torch.inf).masked_fill(~near.others, -torch.inf).amax(1)
    else:
        rows = distractors.to(near.images.device).rows
        peak = cross_stats(near.images.detach(), rows.detach().to(near.images.dtype), k=1).values[:, 0]
    return peak.masked_fill(peak == -torch.inf, torch.nan)


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

    def error(row: int) -> InputError:
        return InputError("links", f"to name existing rows, below {count}", pairs[row].tolist(), row)

    return columns, pairs, [Check(((pairs < 0) | (pairs >= count)).any(1), error)]


def near_prompts(inputs: PackedInputs, max_back: int, links: Tensor | None = None) -> NearPrompts:
    """Cosines of packed images with the prompts around them, from the columns `images`, `texts` and perhaps `modality`.

    Args:
        inputs: packed records; those without an image have a prompt all the same.
        max_back: how many prompts before, and after, an image are looked at.
        links: int64 `[E, 2]`, rows of the input; those that do not lead to an earlier record of the same dialogue are
            left out, and nothing is seen of what is further back.
    """
    batch, images, texts = inputs.batch, inputs.columns["images"], inputs.columns["texts"]
    back = max_back if batch.width is None else max(1, min(max_back, batch.width - 1))
    offsets = constant(_around, back, like=batch.turn)
    place = batch.place[:, None] + offsets
    same = (place >= 1) & (place <= batch.spread(batch.lengths())[:, None])
    same = same if batch.record is None else same & batch.record[:, None]
    goal = (batch.rows[:, None] + offsets).where(same, -1)
    image = batch.rows if batch.there is None else batch.rows.where(batch.there, -1)
    cosine = paired_cosine(images, texts, image[:, None].expand_as(goal).flatten(), goal.flatten()).view(goal.shape)
    context, linked, by_links = same[:, :back], None, None
    if links is not None:
        linked, has_link = _linked(inputs, links, back)
        by_links = batch.spread(batch.largest(has_link.double()))[:, None] > 0
        context = torch.where(by_links, _reached(linked), context)
    modality = inputs.columns.get("modality")
    asked = None if modality is None else modality != MODALITIES.index("text")
    return NearPrompts(images, cosine, same, context, linked, by_links, asked)


def mean_where(values: Tensor, chosen: Tensor) -> Tensor:
    """Mean `[N]` of the values `[N, M]` that are chosen, bool `[N, M]`, and not NaN; NaN without any."""
    values = values.masked_fill(~chosen, torch.nan)
    return values.nansum(1) / (values == values).sum(1)


def _linked(inputs: PackedInputs, links: Tensor, back: int) -> tuple[Tensor, Tensor]:
    """Bool `[N, K]`, which prompts before an image it is linked to, and `[N]`, whether it has a link at all."""
    batch = inputs.batch
    source, goal = inputs.positions()[links].unbind(1)
    behind = source - goal
    place = batch.place[source]  # of padding, whose row is -1, any
    leads = (goal >= 0) & (behind > 0) & (behind < place)
    count = len(batch.turn)
    # Behind the prompts that are looked at is a place for those further back, and behind the images a row for the rest.
    table = torch.zeros(count + 1, back + 1, dtype=torch.bool, device=links.device)
    column = torch.where(behind <= back, back - behind, back)
    table = table.index_put((source.where(leads, count), column.where(leads, 0)), constant(true_rows, 1, like=links))[
        :count
    ]
    return table[:, :back], table.any(1)


def _reached(linked: Tensor) -> Tensor:
    """Bool `[N, K]`, the prompts that an image is linked to directly or by a chain of links, from the direct ones."""
    back = linked.shape[1]
    reached, length = linked.double(), 1
    while length < back:  # chains of up to twice as many links
        # The prompts that the image j places before reaches stand j columns further on, seen from this image.
        padded = F.pad(reached, (0, back, back, 0))
        steps = padded.as_strided((len(linked), back, back), (2 * back, 2 * back - 1, 1), back)
        reached = (reached + torch.bmm(reached[:, None], steps)[:, 0]).clamp_max(1)
        length *= 2
    return reached > 0


def _known_modality(modality: Labels) -> Column:
    """Modalities as rows, with the check that every record has one."""
    column = modality_column(modality)

    def error(cell: int) -> InputError:
        return InputError(
            "modality", expected_kinds(MODALITIES), f"{float(column.values[cell]):g}", place_of(cell, column.shape)
        )

    return column._replace(checks=(Check((column.values != 0) & (column.values != 1), error),))


def _around(back: int, device: torch.device) -> Tensor:
    return torch.arange(-back, back + 1, device=device)


def _later(back: int, device: torch.device) -> Tensor:
    return _around(back, device) > 0


def _own(back: int, device: torch.device) -> Tensor:
    return _around(back, device) == 0


def _last(count: int, device: torch.device) -> Tensor:
    return torch.arange(1, count + 1, device=device) == count


def _first(count: int, device: torch.device) -> Tensor:
    return torch.zeros(count, dtype=torch.int64, device=device)
