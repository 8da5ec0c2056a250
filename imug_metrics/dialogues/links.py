# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Links between records: pairs of rows."""

from __future__ import annotations

import torch
from torch import Tensor

from imug_metrics.dialogues.arguments import Links
from imug_metrics.dialogues.arrays import INTEGERS, read_array
from imug_metrics.errors import InputError


def read_links(links: Links | None, device: torch.device, where: str = "") -> Tensor:
    """Links of any form as int64 `[E, 2]`.

    Args:
        links: pairs of rows.
        device: where the result lives.
        where: when they are needed, for the error.

    Raises:
        InputError: if there are none, or they are not integers `[E, 2]`.

    Example:
        >>> read_links([[1, 0]], torch.device("cpu"))
        tensor([[1, 0]])
    """
    expected = f"to be integers [E, 2]{where}"
    if links is None:
        raise InputError("links", expected, "None")
    pairs = read_array("links", links, INTEGERS, inner=1, filler=torch.nan).values
    pairs = pairs.view(0, 2) if pairs.shape == (0,) else pairs
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise InputError("links", expected, [*pairs.shape])
    if pairs.is_floating_point() and bool(pairs.isnan().any()):  # of lists, where one is shorter or none
        raise InputError("links", expected, "no pair", int(pairs.isnan().any(1).nonzero()[0]))
    return pairs.long().to(device)
