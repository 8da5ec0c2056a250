# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Did an edit change what it should not: differences of images over the pixels that a turn may not touch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol, get_args

import torch
from torch import Tensor

from imug_metrics.dialogues.arguments import Ids, Images, Labels, Masks, Turns
from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.dialogues.checks import Check
from imug_metrics.dialogues.columns import Column, score_column
from imug_metrics.dialogues.holders import place_of
from imug_metrics.dialogues.image_rows import ImageRows, image_rows, mask_rows
from imug_metrics.dialogues.inputs import PackedInputs, pack_inputs
from imug_metrics.errors import InputError
from imug_metrics.functional.images.difference_maps import SSIM_REACH, absolute_map, squared_map, ssim_map, widened
from imug_metrics.functional.images.edit_pairs import Chunk, Pairs, Partner, chunks, sized
from imug_metrics.functional.reduce import reduce_values

Measure = Literal["l1", "mse", "psnr", "ssim", "lpips"]
Region = Literal["outside", "inside"]
Against = Literal["previous", "first"]
Wanted = tuple[str, str]
"""A measure and the region of which its mean is taken."""

RESIZED: Wanted = ("resized", "outside")
"""1 for an image that had another size than what it is compared with."""
PSNR_LIMIT = 100.0
"""Decibels of images without a difference, of which the logarithm has no value."""
LEAST_REGION = 64
"""Pixels that a region has at least, by default: a square of 8."""
_MAPS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"l1": absolute_map, "mse": squared_map, "ssim": ssim_map}
_LPIPS_REACH = 1  # cells; all that its features see would leave nothing
_LPIPS_AT_ONCE = 64


class DistanceMapper(Protocol):
    """What LPIPS by place needs of an encoder, as `LpipsEncoder` has it."""

    @property
    def map_size(self) -> tuple[int, int]:
        """Height and width of its maps."""
        ...

    def encode_images(self, images: Any) -> Tensor:
        """Embeddings `[n, D]` of n images."""
        ...

    def distance_map(self, x: Tensor, y: Tensor) -> Tensor:
        """Distances `[n, h, w]` of images by their embeddings, each at its place in the image."""
        ...


def edit_locality(
    images: Images,
    editable: Masks | None = None,
    *,
    noop: Labels | None = None,
    dialogue: Ids | None = None,
    turn: Turns | None = None,
    subject: Ids | None = None,
    valid: Tensor | None = None,
    lengths: Tensor | None = None,
    measure: Measure = "l1",
    region: Region = "outside",
    against: Against = "previous",
    min_region: int = LEAST_REGION,
    encoder: DistanceMapper | None = None,
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor:
    """How far an edit changed what it should not, or what it should. Lower is better of `"l1"`, `"mse"` and `"lpips"`.

    With m = 1 where the turn may not change the image, and 0 where it may, the value of a record is the mean of a map
    of differences over these pixels alone, sum(m * map) / sum(m): of absolute differences (`"l1"`, 0 to 1), of squared
    ones (`"mse"`, 0 to 1; `"psnr"`: -10 log10 of it, in decibels, at most 100), of SSIM (`"ssim"`, -1 to 1, over the
    pixels whose whole window is such), or of LPIPS (`"lpips"`, from 0). `EditLocality` has the rules in full.

    Args:
        images: `[N, 3, H, W]` or `[B, T, 3, H, W]`, uint8 or floating in [0, 1]; or lists of images of any sizes.
        editable: masks of the same shape without channels, True (or above 0) where the turn may change the image.
        noop: bool `[N]` or `[B, T]`, True where the turn asks for no change.
        dialogue, turn, subject, valid, lengths: as in `align_rows`.
        measure: see above.
        region: `"outside"` what the turn may change, or `"inside"` it.
        against: the `"previous"` image of the dialogue (and subject), or its `"first"` one, with all that the turns
            since then might change.
        min_region: pixels that the region has at least.
        encoder: an `LpipsEncoder`, for `"lpips"`.
        reduction: `"none"`, or `"mean"` of the records that have a value.

    Returns:
        Scalar, or float64 values in the shape of the records; NaN where undefined: for the first image, where one of
        the two is absent, nothing says what the turn may change, or the region is too small. Differentiable.

    Raises:
        ArgumentError, ValueError: if an option is unknown, or `"lpips"` lacks its encoder.
        InputError: if shapes, masks or turns are refused, or images cannot be read.

    Example:
        >>> images = torch.zeros(1, 2, 3, 8, 8)
        >>> images[0, 1, :, :4] = 0.5  # the upper half, half of which was to be changed
        >>> editable = torch.zeros(1, 2, 8, 8, dtype=torch.bool)
        >>> editable[0, 1, :2] = True
        >>> edit_locality(images, editable, min_region=16, reduction="none")
        tensor([[   nan, 0.1667]], dtype=torch.float64)
    """
    for name, value, choices in (
        ("measure", measure, get_args(Measure)),
        ("region", region, get_args(Region)),
        ("against", against, get_args(Against)),
    ):
        if value not in choices:
            raise ValueError(f"Expected argument `{name}` to be one of {choices}, got {value!r}.")
    if measure == "lpips" and encoder is None:
        raise ValueError("Expected argument `encoder`, an `LpipsEncoder`, for LPIPS.")
    given = read_edits(images, editable, noop)
    inputs = pack_inputs(given.columns(), dialogue, turn, subject, valid, lengths)
    wanted: Wanted = ("mse" if measure == "psnr" else measure, region)
    values = edit_values(inputs, given, {against: (wanted,)}, min_region, encoder).values[against, wanted]
    return reduce_values(inputs.unpack(psnr(values) if measure == "psnr" else values), reduction)


def psnr(mse: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in decibels of mean squared errors of levels in [0, 1], at most 100.

    Example:
        >>> psnr(torch.tensor([0.01, 0.0]))
        tensor([ 20., 100.])
    """
    return -10 * mse.clamp_min(10 ** (-PSNR_LIMIT / 10)).log10()


class Edits(NamedTuple):
    """The arguments of an update.

    Attributes:
        images, editable: as rows; None: no masks are given.
        noop: the column, None where not given.
    """

    images: ImageRows
    editable: ImageRows | None
    noop: Column | None

    def columns(self) -> dict[str, Column]:
        """What is packed."""
        found = {"images": self.images.column}
        found |= {} if self.editable is None else {"editable": self.editable.column}
        return found | ({} if self.noop is None else {"noop": self.noop})


def read_edits(images: Images, editable: Masks | None, noop: Labels | None) -> Edits:
    """The arguments of an update, read.

    Raises:
        InputError: if they are nothing of the kind, or nothing says what a turn may change.
    """
    if editable is None and noop is None:
        raise InputError("editable", "to be given, or `noop` for turns that ask for no change", "None")
    return Edits(
        image_rows("images", images),
        None if editable is None else mask_rows("editable", editable),
        None if noop is None else noop_column(noop),
    )


def noop_column(noop: Labels) -> Column:
    """Whether each turn asks for no change, with the check that every record says so.

    Raises:
        InputError: if it holds no booleans.
    """
    column = score_column("noop", noop)
    wrong = (column.values != 0) & (column.values != 1)

    def error(row: int) -> InputError:
        return InputError("noop", "to be True or False", f"{float(column.values[row]):g}", place_of(row, column.shape))

    return column._replace(open_end=None, checks=(Check(wrong, error),))


class EditValues(NamedTuple):
    """What is known of packed records.

    Attributes:
        values: by partner and what is wanted, float64 `[N]`, NaN where undefined.
        expected: bool `[N]`, the records that would have a value against the image before were every image there.
        noop: bool `[N]`.
    """

    values: dict[tuple[str, Wanted], Tensor]
    expected: Tensor
    noop: Tensor


def edit_values(
    inputs: PackedInputs,
    given: Edits,
    wanted: Mapping[str, Sequence[Wanted]],
    min_region: int,
    encoder: DistanceMapper | None = None,
    device: torch.device | None = None,
) -> EditValues:
    """Compare packed images, each as often as is asked for.

    Args:
        inputs: the packed columns of the edits.
        given: the edits.
        wanted: by partner, `"previous"` or `"first"`, the measures and regions.
        min_region: pixels that a region has at least.
        encoder: of LPIPS, where that is wanted.
        device: where images of lists are compared; None: where the records are.
    """
    batch, columns = inputs.batch, inputs.columns
    later = ~batch.is_first()
    noop = columns["noop"] == 1 if "noop" in columns else torch.zeros_like(later)
    has_mask = columns["editable"] == 1 if "editable" in columns else torch.zeros_like(later)
    known = noop | has_mask
    partners = {name: _partner(name, batch, later, known) for name in wanted}
    parts: dict[tuple[str, Wanted], list[Tensor]] = {(name, one): [] for name in wanted for one in wanted[name]}
    needs_lpips = any(one[0] == "lpips" for ones in wanted.values() for one in ones)
    by_lpips = None if encoder is None or not needs_lpips else _LpipsPairs(batch, encoder, min_region)
    changes = later & has_mask & ~noop
    for chunk in chunks(batch, given.images, given.editable, changes, [*partners.values()], device):
        for name, pairs in chunk.pairs.items():
            found = [(pair.rows, measured(pair, wanted[name], min_region)) for pair in pairs]
            for one in wanted[name]:
                parts[name, one] += [_in_order(batch, chunk, [(index, of[one]) for index, of in found if one in of])]
        if by_lpips is not None:
            by_lpips.add(chunk)
    values = {}
    for (name, one), columns_of in parts.items():
        if by_lpips is not None and one[0] == "lpips":
            column = by_lpips.values(partners[name], one[1])
        else:
            column = _joined(batch, columns_of)
        values[name, one] = column.masked_fill(~partners[name].usable, torch.nan)
    return EditValues(values, later & known, noop)


def measured(pairs: Pairs, wanted: Sequence[Wanted], min_region: int) -> dict[Wanted, Tensor]:
    """Means `[K]` of maps of pairs over regions, float64; NaN where a region is too small. LPIPS is left to others."""
    maps = {name: of(pairs.x, pairs.y) for name, of in _MAPS.items() if any(name == one for one, _ in wanted)}
    found = {}
    for measure, region in wanted:
        if measure in maps:
            weights = region_weights(pairs.editable, region, SSIM_REACH if measure == "ssim" else 0)
            found[measure, region] = region_mean(maps[measure], weights, min_region)
    if RESIZED in wanted:
        found[RESIZED] = pairs.x.new_full(pairs.x.shape[:1], pairs.resized, dtype=torch.float64)
    return found


def region_weights(editable: Tensor, region: str, reach: int) -> Tensor:
    """How much of each pixel `[K, H, W]` is in a region, and all that lies within reach.

    Example:
        >>> region_weights(torch.tensor([[[0.0, 0.0, 1.0, 1.0]]]), "outside", 1)
        tensor([[[1., 0., 0., 0.]]])
    """
    excluded = editable if region == "outside" else 1 - editable
    return 1 - (widened(excluded, reach) if reach else excluded)


def region_mean(values: Tensor, weights: Tensor, least: int) -> Tensor:
    """Weighted mean of each map `[K, H, W]`, float64 `[K]`; NaN where the weights add up to less than `least`.

    Example:
        >>> region_mean(torch.tensor([[[0.5, 0.0]], [[0.5, 0.0]]]), torch.tensor([[[1.0, 0.0]], [[0.0, 0.0]]]), 1)
        tensor([0.5000,    nan], dtype=torch.float64)
    """
    count = weights.sum((1, 2), dtype=torch.float64)
    total = (weights * values).sum((1, 2), dtype=torch.float64)
    return (total / count.clamp_min(least)).masked_fill(count < least, torch.nan)


class _LpipsPairs:
    """Embeddings of all images and the masks at the size of their maps, gathered chunk by chunk.

    Args:
        batch: the packed dialogues.
        encoder: of LPIPS.
        min_region: cells that a region has at least.
    """

    def __init__(self, batch: DialogueBatch, encoder: DistanceMapper, min_region: int) -> None:
        self.batch, self.encoder, self.min_region = batch, encoder, min_region
        self.embedded: list[tuple[Tensor, Tensor]] = []
        self.masks: dict[str, list[tuple[Tensor, Tensor]]] = {"previous": [], "first": []}

    def add(self, chunk: Chunk) -> None:
        """Embed the images of a chunk."""
        rows = self.batch.rows[chunk.rows]
        images = chunk.images
        if isinstance(images, list):
            rows = rows[[image is not None for image in images]]
            images = [image for image in images if image is not None]
        if len(rows):
            self.embedded.append((rows, self.encoder.encode_images(images).to(rows.device)))
        for name, pairs in chunk.pairs.items():
            for pair in pairs:
                index = self.batch.rows[chunk.rows] if pair.rows is None else pair.rows
                self.masks[name].append((index, sized(pair.editable, self.encoder.map_size).to(index.device)))

    def values(self, partner: Partner, region: str) -> Tensor:
        """LPIPS `[N]` in a region."""
        found = torch.full_like(self.batch.rows, torch.nan, dtype=torch.float64)
        if not self.masks[partner.name]:
            return found
        rows, embedded = map(torch.cat, zip(*self.embedded))
        table = embedded.new_zeros(len(found), embedded.shape[1]).index_copy(0, rows, embedded)
        index, masks = map(torch.cat, zip(*self.masks[partner.name]))
        means = []
        for some, mask in zip(torch.split(index, _LPIPS_AT_ONCE), torch.split(masks, _LPIPS_AT_ONCE)):
            maps = self.encoder.distance_map(table[some], table[partner.rows[some]])
            means.append(region_mean(maps, region_weights(mask, region, _LPIPS_REACH), self.min_region))
        return found.index_copy(0, index, torch.cat(means))


def _partner(name: str, batch: DialogueBatch, later: Tensor, known: Tensor) -> Partner:
    """The rows that are compared with the image before, or with the first."""
    if name == "previous":
        rows = (batch.rows - 1).clamp_min(0)
        return Partner(name, rows, known & later & batch.valid & batch.valid[rows], united=False)
    rows = batch.spread(batch.offsets[:-1])
    start = 2 * batch.segment  # so that of a later segment nothing is less than of an earlier one
    all_known = (start + (later & ~known)).cummax(0).values == start
    return Partner(name, rows, all_known & later & batch.valid & batch.valid[rows], united=True)


def _in_order(batch: DialogueBatch, chunk: Chunk, parts: Sequence[tuple[Tensor | None, Tensor]]) -> Tensor:
    """Values of the rows of a chunk, NaN where there is none."""
    if len(parts) == 1 and parts[0][0] is None:
        return parts[0][1]
    found = torch.full_like(batch.rows[chunk.rows], torch.nan, dtype=torch.float64)
    for rows, values in parts:
        if rows is not None:
            found = found.index_copy(0, rows - chunk.rows.start, values.to(found.device))
    return found


def _joined(batch: DialogueBatch, parts: list[Tensor]) -> Tensor:
    """Values of all rows."""
    if not parts:
        return torch.full_like(batch.rows, torch.nan, dtype=torch.float64)
    return parts[0] if len(parts) == 1 else torch.cat(parts)
