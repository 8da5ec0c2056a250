# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Checks of values that are looked at together: one wait for the device, however many there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from imug_metrics.errors import InputError


class Check(NamedTuple):
    """Where an argument is wrong, and what to say about the first such place.

    Attributes:
        wrong: bool, of any shape.
        error: from the place of the first True in the flattened `wrong` to the error.
    """

    wrong: Tensor
    error: Callable[[int], InputError]


def look(checks: Sequence[Check], counts: Sequence[Tensor] = (), *, like: Tensor) -> list[int]:
    """Fetch all at once whether a check fails, and some counts.

    Args:
        checks: in the order in which they are reported.
        counts: int64 scalars.
        like: where the tensors live.

    Returns:
        The counts.

    Raises:
        InputError: at the first check that fails.

    Example:
        >>> scores = torch.tensor([0.5, 7.0])
        >>> high = Check(scores > 1, lambda row: InputError("scores", "to be at most 1", float(scores[row]), row))
        >>> look([high], like=scores)
        Traceback (most recent call last):
        imug_metrics.errors.InputError: Expected argument `scores` to be at most 1, got 7.0 at row 1.
    """
    # Counts beside counts, since stacking them with booleans would convert all of them.
    every = [*(check.wrong.count_nonzero().to(like.device) for check in checks), *counts]
    found: list[int] = (torch.stack(every) if len(every) > 1 else every[0][None]).tolist() if every else []
    for check, wrong in zip(checks, found):
        if wrong:
            raise check.error(int(check.wrong.flatten().nonzero()[0]))
    return found[len(checks) :]
