# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What a result hands to trainers and trackers: finite numbers by name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from imug_metrics.errors import ArgumentError


def finite_scores(result: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a result that a tracker can show: what is undefined (NaN) or infinite is left out.

    Args:
        result: by name, scalar tensors or numbers, as `compute()` of a metric or of a suite gives them.

    Returns:
        The finite ones as Python floats, in their order.

    Raises:
        ArgumentError: if a value is no single number.

    Example:
        >>> import torch
        >>> finite_scores({"a": torch.tensor(0.5), "a_lower": torch.tensor(torch.nan), "a_n": 2})
        {'a': 0.5, 'a_n': 2.0}
    """
    numbers = {str(name): _number(name, value) for name, value in result.items()}
    return {name: value for name, value in numbers.items() if math.isfinite(value)}


def log_scores(module: Any, scores: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """Log the finite ones of scores with a `LightningModule`.

    Args:
        module: anything with `log_dict`.
        scores: by key.
        options: of `log_dict`.

    Raises:
        ArgumentError: if `module` has no `log_dict`.

    Example:
        >>> log_scores(object(), {"a": 0.5}, {})
        Traceback (most recent call last):
        imug_metrics.errors.ArgumentError: Argument `module`: expected a LightningModule with `log_dict`, got object
    """
    if not callable(getattr(module, "log_dict", None)):
        kind = type(module).__name__
        raise ArgumentError("module", f"expected a LightningModule with `log_dict`, got {kind}")
    module.log_dict(finite_scores(scores), **options)


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError):
        raise ArgumentError("result", f"{name!r} is no single number but {type(value).__name__}") from None
