# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Whether a model answered in the modality that a turn asked for."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from imug_metrics.dialogues.arguments import Ids, Labels, Turns
from imug_metrics.dialogues.checks import Check
from imug_metrics.dialogues.columns import Column
from imug_metrics.dialogues.holders import place_of
from imug_metrics.dialogues.inputs import pack_inputs
from imug_metrics.errors import InputError
from imug_metrics.functional.decay.modality import expected_kinds, kind_column, with_modality
from imug_metrics.functional.reduce import reduce_values

Extra = Literal["text", "any", "none"]
EXTRAS: tuple[Extra, ...] = ("text", "any", "none")
OUTPUTS = ("text", "image", "both", "none")
"""What may have come, by code; the first two have the codes of what may be asked for."""
_BOTH = OUTPUTS.index("both")


def modality_compliance(
    preds: Labels,
    modality: Labels,
    *,
    dialogue: Ids | None = None,
    turn: Turns | None = None,
    valid: Tensor | None = None,
    lengths: Tensor | None = None,
    extra: Extra = "text",
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor:
    """1 where what came is what was asked for, 0 where it is not. Higher is better.

    Args:
        preds: `[N]` or `[B, T]`, what came: `"text"`, `"image"`, `"both"` or `"none"` (an output that is empty), or
            their codes 0 to 3; NaN or None where not known, as at turns that were never attempted.
        modality: of the same shape, what was asked for: `"text"` or `"image"`, or bools that are True for images.
        dialogue, turn, valid, lengths: as in `align_rows`.
        extra: which output beside the one asked for is no failure: `"text"` (words beside an image), `"any"` (also an
            image beside words), or `"none"`.
        reduction: `"mean"`, or `"none"` for one value a record, in the shape of `preds`.

    Returns:
        float64 scalar or values; NaN where undefined.

    Raises:
        InputError: if shapes differ, or turns, outputs or modalities are refused.
        ValueError: if `extra` is unknown.

    Example:
        >>> modality_compliance([["text", "text", "both"]], [["text", "image", "image"]], reduction="none")
        tensor([[1., 0., 1.]], dtype=torch.float64)
    """
    if extra not in EXTRAS:
        raise ValueError(f"Expected argument `extra` to be one of {EXTRAS}, got {extra!r}.")
    inputs = pack_inputs(compliance_columns(preds, modality), dialogue, turn, None, valid, lengths)
    came = inputs.batch.present(inputs.columns["preds"])
    return reduce_values(inputs.unpack(compliance(came, inputs.columns["modality"], extra)), reduction)


def compliance(came: Tensor, asked: Tensor, extra: Extra) -> Tensor:
    """1 `[N]` where the code of what came is what was asked for, 0 where not, NaN where either is not known.

    Example:
        >>> compliance(torch.tensor([0.0, 2.0, torch.nan]), torch.tensor([0.0, 0.0, 1.0]), "text")
        tensor([1., 0., nan], dtype=torch.float64)
    """
    right = came == asked
    if extra != "none":
        right = right | ((came == _BOTH) & (asked == 1) if extra == "text" else came == _BOTH)
    difference = came - asked
    return right.double().masked_fill(difference != difference, torch.nan)


def compliance_columns(preds: Labels, modality: Labels, *, zero: bool = False) -> dict[str, Column]:
    """What came and what was asked for as rows, with the checks of both.

    Args:
        preds, modality: as in `modality_compliance`.
        zero: an absent output counts as 0, and so needs a modality too.
    """
    rows = kind_column("preds", preds, OUTPUTS)
    codes = rows.values
    wrong = (codes < 0) | (codes >= len(OUTPUTS)) | (codes != codes.floor())

    def error(cell: int) -> InputError:
        expected = f"{expected_kinds(OUTPUTS)}, or a code from 0 to {len(OUTPUTS) - 1}"
        return InputError("preds", expected, f"{float(codes[cell]):g}", place_of(cell, rows.shape))

    checked = rows._replace(checks=(Check(wrong & (codes == codes), error),))
    return with_modality("preds", checked, modality, zero=zero, of="an output")
