# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How diverse the images of one turn are over dialogues, and what is lost of that since turn 1."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor

from imug_metrics.dialogues.arguments import Ids, Images, Turns
from imug_metrics.dialogues.columns import embedding_column
from imug_metrics.dialogues.inputs import pack_inputs
from imug_metrics.dialogues.padding import has_direction
from imug_metrics.dialogues.unit_rows import unit_rows
from imug_metrics.functional.reduce import reduce_values
from imug_metrics.stats.vendi import mean_distance, vendi_score

DiversityKind = Literal["vendi", "distance"]
KINDS: tuple[DiversityKind, ...] = ("vendi", "distance")
ORDERS = (1, 2, math.inf)
NO_DIVERSITY = {"vendi": 1.0, "distance": 0.0}
"""What each kind is where all images are alike."""
HIGHEST = {"vendi": math.inf, "distance": 2.0}
_ALIKE = 1e-9  # no more than rounding: what is lost of no diversity is undefined


def turn_diversity(
    images: Images,
    *,
    dialogue: Ids | None = None,
    turn: Turns | None = None,
    valid: Tensor | None = None,
    lengths: Tensor | None = None,
    kind: DiversityKind = "vendi",
    order: float = 1,
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor:
    """Change per turn of the diversity of images, in parts of that of first images. Higher is better, 0 is no change.

    The diversity D_k of images is the Vendi score, or the mean distance, of those that come k turns after the first
    image of their dialogue; it is compared with that of the first images of the same n_k dialogues, D_0:

        sum_k n_k k (D_k - D_0) / sum_k n_k k^2 (D_0 - none)

    over k from 1 on, and `none` what the diversity of equal images is: 1 for Vendi scores, 0 for distances. -0.2 says
    that each turn loses a fifth of the diversity that first images have.

    Args:
        images: embeddings `[N, D]` or `[B, T, D]`, one image a turn; zero rows count as absent.
        dialogue, turn, valid, lengths: as in `align_rows`.
        kind: `"vendi"`, the effective number of different images, which grows with their number; or `"distance"`, the
            mean of 1 - cosine over pairs, which does not.
        order: of the Vendi score, see `imug_metrics.stats.vendi.vendi_score`.
        reduction: `"mean"` for the change, `"none"` for the diversity at each turn, of all images there.

    Returns:
        float64 scalar, or the curve `[T]` up to the last turn; NaN where undefined: at a turn with fewer than two
        images, and of the change where no two dialogues have images equally far apart, or first ones are all alike.
        Differentiable. Time grows with the cube of the number of dialogues, but for distances and order 2.

    Raises:
        ValueError: if kind or order are unknown.
        InputError: if shapes differ or turns are refused.

    Example:
        >>> images = torch.eye(4).repeat_interleave(3, 0).view(4, 3, 4).clone()  # 4 dialogues of 3 turns
        >>> images[2:, 2] = images[:2, 2]  # at turn 3 two dialogues show what the other two show
        >>> turn_diversity(images, reduction="none")
        tensor([4., 4., 2.], dtype=torch.float64)
        >>> turn_diversity(images)
        tensor(-0.2667, dtype=torch.float64)
    """
    measure = diversity_measure(kind, order)
    inputs = pack_inputs({"images": embedding_column("images", images)}, dialogue, turn, None, valid, lengths)
    batch, rows = inputs.batch, inputs.columns["images"]
    units = unit_rows(rows, batch.valid & has_direction(rows))
    table = batch.by_turn(units, max(batch.last_turn(), 1))
    found = diversity_estimates(table, measure, NO_DIVERSITY[kind])
    if reduction == "none":
        return torch.stack([found[f"turn_{t}"] for t in range(1, table.shape[1] + 1)])
    return reduce_values(found["change"], reduction)


def diversity_measure(kind: Any, order: Any) -> Callable[[Tensor], Tensor]:
    """What makes diversity `[...]` of matrices of cosines `[..., n, n]`.

    Raises:
        ValueError: if kind or order are unknown.
    """
    if kind not in KINDS:
        raise ValueError(f"Expected argument `kind` to be one of {KINDS}, got {kind!r}.")
    if order not in ORDERS:
        raise ValueError(f"Expected argument `order` to be one of {ORDERS}, got {order!r}.")
    return mean_distance if kind == "distance" else partial(vendi_score, order=order)


def diversity_estimates(
    rows: Tensor, measure: Callable[[Tensor], Tensor], none: float, kept: Tensor | None = None
) -> dict[str, Tensor]:
    """All estimates `[...]` from the images of dialogues by turn.

    Args:
        rows: unit rows `[n, T, D]`, zeros where a dialogue has no image at a turn.
        measure: diversity of matrices of cosines.
        none: the diversity of equal images.
        kept: bool `[..., n]`, the dialogues that count; None: all.

    Returns:
        `change`, `slope` (of which it is the numerator in parts of the first images' diversity), `retention` (last
        images in parts of the first), `mean` and `turn_1`, `turn_2`, ...
    """
    there = rows.detach().square().sum(2) > 0
    kept = there.new_ones(len(rows)) if kept is None else kept
    curve = _curve(rows, kept[..., None] & there, measure)
    found = {"mean": _mean(torch.stack(curve, -1), (kept[..., None] & there).sum(-2))}
    found |= _change_estimates(*from_first_image(rows, there), kept, measure, none)
    return found | {f"turn_{turn}": value for turn, value in enumerate(curve, 1)}


def _curve(rows: Tensor, chosen: Tensor, measure: Callable[[Tensor], Tensor]) -> list[Tensor]:
    """Diversity `[...]` of the rows of each turn that are chosen, bool `[..., n, T]`."""
    grams = torch.einsum("ntd,mtd->tnm", rows, rows)
    return [_diversity(gram, at, measure) for gram, at in zip(grams, chosen.unbind(-1))]


def from_first_image(rows: Tensor, there: Tensor) -> tuple[Tensor, Tensor]:
    """Images of dialogues by the number of turns since the dialogue's first image, and where there are any."""
    number = torch.arange(rows.shape[1], device=rows.device)
    place = number + there.byte().argmax(1, keepdim=True)
    inside, place = place < len(number), place.clamp(max=len(number) - 1)
    found = rows.gather(1, place[:, :, None].expand_as(rows)).where(inside[:, :, None], 0)
    return found, there.gather(1, place) & inside


def _change_estimates(
    rows: Tensor, there: Tensor, kept: Tensor, measure: Callable[[Tensor], Tensor], none: float
) -> dict[str, Tensor]:
    """`change`, `slope` and `retention` of images by turns since the first one."""
    begun = kept[..., None] & there & there[:, :1]
    firsts, laters, pairs = [], [], []
    first = rows[:, 0] @ rows[:, 0].mT
    for turn in range(1, rows.shape[1]):
        both = begun[..., turn]
        firsts.append(_diversity(first, both, measure))
        laters.append(_diversity(rows[:, turn] @ rows[:, turn].mT, both, measure))
        pairs.append(both.sum(-1))
    found = _changes(kept.sum(-1).to(rows), firsts, laters, pairs, none)
    return {**found, "retention": _retention(rows, there, kept, first, measure, none)}


def _diversity(gram: Tensor, chosen: Tensor, measure: Callable[[Tensor], Tensor]) -> Tensor:
    """Diversity `[...]` of the rows that are chosen, bool `[..., n]`."""
    weights = chosen.to(gram)
    return measure(gram * weights[..., :, None] * weights[..., None, :])


def _changes(
    like: Tensor, firsts: list[Tensor], laters: list[Tensor], pairs: list[Tensor], none: float
) -> dict[str, Tensor]:
    """The slope through first images, and in parts of their diversity."""
    if not firsts:
        undefined = torch.full_like(like, torch.nan)
        return {"change": undefined, "slope": undefined}
    first, later, count = (torch.stack(parts, -1) for parts in (firsts, laters, pairs))
    x = torch.arange(1, first.shape[-1] + 1, dtype=first.dtype, device=first.device)
    known = first.isfinite() & later.isfinite()
    weights = count * known * x
    moved = (weights * (later - first).where(known, 0)).sum(-1)
    squares, base = (weights * x).sum(-1), (weights * x * (first - none).where(known, 0)).sum(-1)
    slope = moved / torch.where(squares > 0, squares, torch.nan)
    return {"change": moved / torch.where(base > _ALIKE * squares, base, torch.nan), "slope": slope}


def _retention(
    rows: Tensor, there: Tensor, kept: Tensor, first: Tensor, measure: Callable[[Tensor], Tensor], none: float
) -> Tensor:
    """Diversity of last images in parts of that of the first, of dialogues that have two images or more."""
    number = torch.arange(rows.shape[1], device=rows.device)
    last = (there * number).amax(1)
    ends = rows.gather(1, last.view(-1, 1, 1).expand(-1, 1, rows.shape[2]))[:, 0]
    both = kept & there[:, 0] & (last > 0)
    before, after = (_diversity(gram, both, measure) - none for gram in (first, ends @ ends.mT))
    return after / torch.where(before > _ALIKE, before, torch.nan)


def _mean(curve: Tensor, counts: Tensor) -> Tensor:
    """Mean of a curve weighted by images, over the turns at which it is known."""
    weights = counts * curve.isfinite()
    total = weights.sum(-1)
    return (weights * curve.nan_to_num(0)).sum(-1) / torch.where(total > 0, total, torch.nan)
