# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What a change of modality costs: scores right after one against scores without, dialogues and turns held fixed."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from imug_metrics._constants import constant
from imug_metrics.dialogues.arguments import Ids, Labels, Numbers, Turns
from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.dialogues.columns import score_column
from imug_metrics.dialogues.inputs import pack_inputs
from imug_metrics.functional.decay.modality import modality_before, with_modality
from imug_metrics.stats.least_squares import Coefficients, least_squares

DIRECTIONS = ("to_image", "to_text")
REGRESSORS = ("image", *DIRECTIONS)
"""What is fitted behind the turns; a switch in any direction is the sum of the last two."""


class Switches(NamedTuple):
    """Packed columns `[N]`.

    Attributes:
        scores: NaN where there is none, and where nobody knows whether the modality has changed.
        image: 1 at records that ask for an image, 0 at others.
        change: 1 at records that ask for an image after one that did not, -1 the other way round, else 0.
    """

    scores: Tensor
    image: Tensor
    change: Tensor

    def directed(self) -> list[Tensor]:
        """1 at switches to an image, and at switches to words, else 0."""
        to_image = self.change.clamp_min(0)
        return [to_image, to_image - self.change]


def switch_cost(
    scores: Numbers,
    modality: Labels,
    *,
    dialogue: Ids | None = None,
    turn: Turns | None = None,
    valid: Tensor | None = None,
    lengths: Tensor | None = None,
    max_turns: int = 16,
) -> Tensor:
    """Change of the score at records right after a change of modality; negative where a switch costs something.

    Least squares with an effect of every dialogue d and every turn t, of the modality, and of the switch:

        s_dt = a_d + b_t + m [image asked for] + c [other modality than the record before] + error

    The cost is c. Turns beyond `max_turns` share one effect.

    Args:
        scores: `[N]` or `[B, T]`; NaN where a record could not be scored.
        modality: of the same shape, what was asked for: `"text"` or `"image"`, or bools that are True for images; of
            records without a score too, since the next one follows them.
        dialogue, turn, valid, lengths: as in `align_rows`.
        max_turns: see above.

    Returns:
        float64 scalar in the unit of the scores; NaN where the switches cannot be told apart from turns and modality,
        as where all dialogues change modality at the same turns. Differentiable in the scores.

    Raises:
        InputError: if shapes differ, or turns or modalities are refused.

    Example:
        >>> modality = [["text", "image", "image"], ["text", "text", "image"], ["text", "text", "text"]]
        >>> switch_cost([[0.9, 0.5, 0.6], [0.8, 0.7, 0.4], [0.7, 0.6, 0.6]], modality)
        tensor(-0.1000, dtype=torch.float64)
    """
    columns = with_modality("scores", score_column("scores", scores), modality)
    inputs = pack_inputs(columns, dialogue, turn, None, valid, lengths)
    batch = inputs.batch
    found = switches(batch, batch.present(inputs.columns["scores"]), inputs.columns["modality"])
    return switch_effects(cross_products(batch, found, max_turns).sum(0), max_turns)["cost"]


def switches(batch: DialogueBatch, scores: Tensor, modality: Tensor) -> Switches:
    """What a record brings to the model, of packed scores and codes of modalities `[N]`."""
    change = modality - modality_before(batch, modality)
    return Switches(scores.masked_fill(change != change, torch.nan), modality, change)


def cross_products(batch: DialogueBatch, found: Switches, turns: int) -> Tensor:
    """Cross products about the means of segments, `[S, C]`: of turns, regressors and scores, the upper triangle.

    The first turn is what others are compared with, and those behind `turns` are one.
    """
    columns = _columns(batch, found)
    sums, products = _sums(batch, columns)
    centred = _centred(sums, products, _sums_by_turn(batch, columns, sums, turns))
    kept: Tensor = centred.flatten(1).index_select(1, constant(_triangle, centred.shape[1], like=centred))
    return kept


def _columns(batch: DialogueBatch, found: Switches) -> Tensor:
    """Ones, regressors and scores `[N, 1 + R]`, all 0 where there is no score."""
    # About a value of the segment: what is equal throughout is exactly 0 then.
    scores = batch.less(found.scores, batch.largest(found.scores.nan_to_num(-torch.inf)))
    columns = torch.stack([torch.ones_like(scores), found.image, *found.directed(), scores], 1)
    return columns.masked_fill((scores != scores).unsqueeze(1), 0)


def _sums(batch: DialogueBatch, columns: Tensor) -> tuple[Tensor, Tensor]:
    """By segment, of the columns `[S, 1 + R]`, and of the products of all but the ones `[S, R, R]`."""
    size, parts = columns.shape[1], columns[:, 1:]
    products = parts.unsqueeze(2) * parts.unsqueeze(1)
    sums = batch.sum_segments(torch.cat([columns, products.flatten(1)], 1))
    return sums[:, :size], sums[:, size:].view(-1, size - 1, size - 1)


def _sums_by_turn(batch: DialogueBatch, columns: Tensor, sums: Tensor, turns: int) -> Tensor:
    """By segment, of the columns at turns 2 to `turns` and behind them, `[S, turns, 1 + R]`."""
    by_turn = batch.by_turn(columns, turns)
    return torch.cat([by_turn[:, 1:], (sums - by_turn.sum(1))[:, None]], 1)


def _centred(sums: Tensor, products: Tensor, by_turn: Tensor) -> Tensor:
    """Cross products of turns and all but the ones about their means, `[S, P, P]`; below the diagonal is anything."""
    counts, with_turns = by_turn[:, :, 0], by_turn[:, :, 1:]
    above = torch.cat([torch.diag_embed(counts), with_turns], 2)
    raw = torch.cat([above, torch.constant_pad_nd(products, (counts.shape[1], 0))], 1)
    totals = torch.cat([counts, sums[:, 1:]], 1)
    means = totals / sums[:, :1].clamp_min(1)
    return torch.addcmul(raw, totals.unsqueeze(2), means.unsqueeze(1), value=-1)


def cross_count(turns: int) -> int:
    """Number of cross products that are kept."""
    return _size(turns) * (_size(turns) + 1) // 2 - 1  # the scores' own square tells nothing


def switch_effects(cross: Tensor, turns: int) -> dict[str, Tensor]:
    """What a switch changes, `[...]`: in any direction, and in each, from sums of cross products `[..., C]`."""
    either, directed = _fits(cross, turns)
    return {"cost": either.value[..., -1], **dict(zip(DIRECTIONS, directed.value[..., -2:].unbind(-1)))}


def switch_weights(cross: Tensor, turns: int) -> dict[str, Tensor]:
    """What each cross product `[..., C]` counts in the weight of a dialogue behind each effect.

    The weight is the square of what is left of the switches when all else is taken out of them.
    """
    either, directed = _fits(cross, turns)
    in_either = either.residual[..., -1, :] @ constant(_merged, turns, like=cross).mT
    left = {"cost": in_either, **dict(zip(DIRECTIONS, directed.residual[..., -2:, :].unbind(-2)))}
    rows, columns = constant(_pairs, _size(turns), like=cross)
    both_ways = 1 + (rows != columns).to(cross)
    padded = {name: torch.constant_pad_nd(part, (0, 1)) for name, part in left.items()}  # scores do not count
    return {name: part[..., rows] * part[..., columns] * both_ways for name, part in padded.items()}


def _fits(cross: Tensor, turns: int) -> tuple[Coefficients, Coefficients]:
    """The model with one effect of switches, which comes last, and that with one for each direction."""
    square = cross[..., constant(_places, _size(turns), like=cross)]
    design, right = square[..., :-1, :-1], square[..., :-1, -1]
    merged = constant(_merged, turns, like=cross)
    return least_squares(merged.mT @ design @ merged, right @ merged), least_squares(design, right)


def _size(turns: int) -> int:
    """Number of columns: turns but for the first, those behind them, regressors and scores."""
    return turns + len(REGRESSORS) + 1


def _pairs(size: int, device: torch.device) -> Tensor:
    """Rows and columns of the upper triangle but for its last cell, `[2, C]`."""
    return torch.triu_indices(size, size, device=device)[:, :-1]


def _triangle(size: int, device: torch.device) -> Tensor:
    rows, columns = _pairs(size, device)
    places: Tensor = rows * size + columns
    return places


def _places(size: int, device: torch.device) -> Tensor:
    """Where each cell of a square is in its upper triangle, `[size, size]`; of the last cell anywhere."""
    places = torch.zeros(size, size, dtype=torch.int64, device=device)
    rows, columns = _pairs(size, device)
    numbers = torch.arange(rows.shape[0], device=device)
    places[rows, columns] = numbers
    places[columns, rows] = numbers
    return places


def _merged(turns: int, device: torch.device) -> Tensor:
    """From columns with both directions of switches to those with one for both, `[P, P - 1]`."""
    identity = torch.eye(turns + len(REGRESSORS), dtype=torch.float64, device=device)
    return torch.cat([identity[:, :-2], identity[:, -2:].sum(1, keepdim=True)], 1)
