# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Keys of a result under the words of its metric."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor


def rename(found: Mapping[str, Tensor], name: str, words: Mapping[str, str]) -> dict[str, Tensor]:
    """A result whose keys `<name>_<old>...` begin with `<name>_<new>...`.

    Args:
        found: the result of a metric with `detail=True`.
        name: the metric's name.
        words: new beginnings by old ones; the first that fits is taken.

    Example:
        >>> import torch
        >>> list(rename({"a": torch.ones(()), "a_turn_1": torch.ones(())}, "a", {"turn_": "aligned_turn_"}))
        ['a', 'a_aligned_turn_1']
    """

    def renamed(key: str) -> str:
        for old, new in words.items():
            if key.startswith(f"{name}_{old}"):
                return f"{name}_{new}{key.removeprefix(f'{name}_{old}')}"
        return key

    return {renamed(key): value for key, value in found.items()}
