# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Warnings that point at the line of the user, however many calls of libraries lie between."""

from __future__ import annotations

import sys
import warnings

_LIBRARIES = ("imug_metrics", "torchmetrics", "torch")


def warn_caller(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the innermost line that is of none of the libraries that call each other here.

    Args:
        message: what is wrong, and its cure.
        category: of the warning.

    Example:
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     warnings.simplefilter("always")
        ...     warn_caller("Too long.")
        >>> str(caught[0].message)
        'Too long.'
    """
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and _package(frame.f_globals) in _LIBRARIES:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _package(module: dict[str, object]) -> str:
    return str(module.get("__name__", "")).partition(".")[0]
