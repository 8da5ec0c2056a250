# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How far the style of a dialogue's images is from that of its first one, and how much of it their content explains."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from imug_metrics.dialogues.arguments import Ids, Images, Turns
from imug_metrics.dialogues.inputs import PackedInputs
from imug_metrics.functional.images.perceptual_drift import Drift, comparable, first_distances, perceptual_drift

StyleDistance = Literal["cosine", "squared"]
STYLE_DISTANCES: tuple[StyleDistance, ...] = ("cosine", "squared")

_COLLINEAR = 1e-9
"""Share of the turns' spread that content leaves, below which the two cannot be told apart."""


def style_drift(
    images: Images,
    *,
    dialogue: Ids | None = None,
    turn: Turns | None = None,
    subject: Ids | None = None,
    valid: Tensor | None = None,
    lengths: Tensor | None = None,
    references: Images | None = None,
    distance: StyleDistance = "cosine",
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor:
    r"""Distance of each image's style to that of the first one of its dialogue (and subject), or of its reference.

    Lower is steadier; a repeated style is at exactly 0. It is `perceptual_drift` of descriptors of style.

    | distance | of descriptors x and y | range |
    |---|---|---|
    | `cosine` | $1 - \cos(x, y)$: of CSD's descriptors, or of Gram matrices whatever their size | 0 to 2 |
    | `squared` | $|x - y|^2$: the style loss of Gatys et al., of `GramEncoder`'s with `scaling="gatys"` | from 0 |

    Args:
        images: descriptors of style, `[N, D]` or `[B, T, D]`.
        dialogue, turn, subject, valid, lengths: as in `align_rows`.
        references: in the form of `images`, what each is compared with instead of the first one.
        distance: see the table.
        reduction: `"none"` or `"mean"` (of the records that have a value).

    Returns:
        Scalar, or float64 values in the shape of the records; NaN for the first image unless there are references, for
        an absent one, and where the first one is absent. Differentiable.

    Raises:
        ValueError: if the distance is unknown.
        InputError: if shapes or widths differ, or turns are refused.

    Source:
        Gatys et al., Image Style Transfer Using Convolutional Neural Networks, CVPR 2016; Somepalli et al., Measuring
        Style Similarity in Diffusion Models, ECCV 2024 (CSD).

    Example:
        >>> styles = torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 2.0]])
        >>> style_drift(styles, dialogue=[5, 5, 5], turn=[1, 2, 3], reduction="none")
        tensor([   nan, 0.2929, 1.0000], dtype=torch.float64)
    """
    check_style_distance(distance)
    return perceptual_drift(
        images,
        dialogue=dialogue,
        turn=turn,
        subject=subject,
        valid=valid,
        lengths=lengths,
        references=references,
        distance=distance,
        reduction=reduction,
    )


def check_style_distance(distance: StyleDistance) -> None:
    """Raise ValueError unless the distance is one of descriptors."""
    if distance not in STYLE_DISTANCES:
        raise ValueError(f"Expected argument `distance` to be one of {STYLE_DISTANCES}, got {distance!r}.")


def content_drift(inputs: PackedInputs, drift: Drift) -> Tensor:
    """1 - cosine `[N]`, float64, of the content of packed images (column `whole`) to that of the first one.

    Without gradient; NaN where either is absent, and where there is no drift of style to hold it against.
    """
    rows, known = comparable(inputs.columns["whole"].detach(), "cosine")
    found = first_distances(inputs.batch, rows, drift.there & known, "cosine")
    return found.masked_fill(drift.values.detach().isnan(), torch.nan)


def slope_beyond(tt: Tensor, tc: Tensor, cc: Tensor, ty: Tensor, cy: Tensor) -> Tensor:
    """Partial slope of y over t with c held fixed, by sums of products about the means of segments.

    Least squares of `y ~ t + c` with a level for each segment (Frisch and Waugh, Econometrica 1, 1933). Where c does
    not vary it is the slope itself; NaN where t does not, or where c is a straight line over t.

    Args:
        tt, tc, cc: sums of squares and of the product of t and c, of any shape.
        ty, cy: sums of the products of y with t and with c.

    Example:
        >>> slope_beyond(*(torch.tensor(part) for part in (2.0, 1.0, 1.0, 3.0, 2.0)))  # y = t + c
        tensor(1.)
    """
    varies = cc > 0
    own = torch.where(varies, cc, 1)
    left = tt * own - tc * tc
    found = torch.where(left > _COLLINEAR * tt * own, ty * own - tc * cy, torch.nan)
    return found / torch.where(left > 0, left, 1)
