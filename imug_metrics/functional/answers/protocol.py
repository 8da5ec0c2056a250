# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The two protocols by which answers, points and boards are scored."""

from typing import Literal, get_args

Protocol = Literal["strict", "imug"]
"""`"imug"`: as IMUG-Bench's released scorer (arXiv 2606.09169), number for number; `"strict"`: its faults corrected."""

PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)


def check_protocol(protocol: str) -> None:
    """Raise ValueError unless the protocol is one of the two.

    Example:
        >>> check_protocol("official")
        Traceback (most recent call last):
        ValueError: Expected argument `protocol` to be one of ('strict', 'imug'), got 'official'.
    """
    if protocol not in PROTOCOLS:
        raise ValueError(f"Expected argument `protocol` to be one of {PROTOCOLS}, got {protocol!r}.")
