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
    """Change per turn of the diversity of the images of a turn, in parts of turn 1's. Higher is better, 0 is no change.

    The diversity of a turn is the Vendi score of its images, or their mean distance; each turn is compared with turn 1
    on the dialogues that have both:

        sum_t n_t (t - 1) (D_t - D_1) / sum_t n_t (t - 1)^2 (D_1 - none)

    over the turns t from 2 on, with n_t dialogues, and `none` what the diversity of equal images is: 1 for Vendi
    scores, 0 for distances. -0.2 says that each turn loses a fifth of the diversity that turn 1 has.

    Args:
        images: embeddings `[N, D]` or `[B, T, D]`, one image a turn; zero rows count as absent.
        dialogue, turn, valid, lengths: as in `align_rows`.
        kind: `"vendi"`, the effective number of different images, which grows with their number; or `"distance"`, the
            mean of 1 - cosine over pairs, which does not.
        order: of the Vendi score, see `imug_metrics.stats.vendi.vendi_score`.
        reduction: `"mean"` for the change, `"none"` for the diversity at each turn, of all images there.

    Returns:
        float64 scalar, or the curve `[T]` up to the last turn; NaN where undefined: at a turn with fewer than two
        images, and of the change where no later turn has two dialogues with turn 1, or these are all alike there.
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
        `change`, `slope` (of which it is the numerator in parts of turn 1's diversity), `retention` (last turn in parts
        of the first), `mean` and `turn_1`, `turn_2`, ...
    """
    there = rows.detach().square().sum(2) > 0
    kept = there.new_ones(len(rows)) if kept is None else kept
    grams = torch.einsum("ntd,mtd->tnm", rows, rows)
    curve, firsts, laters, pairs = [], [], [], []
    for turn in range(rows.shape[1]):
        at, both = kept & there[:, turn], kept & there[:, turn] & there[:, 0]
        curve.append(_diversity(grams[turn], at, measure))
        if turn:
            alike = torch.equal(at, both)
            firsts.append(_diversity(grams[0], both, measure))
            laters.append(curve[-1] if alike else _diversity(grams[turn], both, measure))
            pairs.append(both.sum(-1))
    found = {"mean": _mean(torch.stack(curve, -1), (kept[..., None] & there).sum(-2))}
    found |= _changes(found["mean"], firsts, laters, pairs, none)
    found["retention"] = _retention(rows, there, kept, grams[0], measure, none)
    return found | {f"turn_{turn}": value for turn, value in enumerate(curve, 1)}


def _diversity(gram: Tensor, chosen: Tensor, measure: Callable[[Tensor], Tensor]) -> Tensor:
    """Diversity `[...]` of the rows that are chosen, bool `[..., n]`."""
    weights = chosen.to(gram)
    return measure(gram * weights[..., :, None] * weights[..., None, :])


def _changes(
    like: Tensor, firsts: list[Tensor], laters: list[Tensor], pairs: list[Tensor], none: float
) -> dict[str, Tensor]:
    """The slope through turn 1, and in parts of turn 1's diversity."""
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
    """Diversity of last images in parts of that of the first, of dialogues that have turn 1 and a later one."""
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
