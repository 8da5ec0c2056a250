# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Objects of JSON that nobody vouches for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def as_mapping(value: Any) -> Mapping[str, Any]:
    """A value that is an object; of any other an empty one, in which all is absent.

    Example:
        >>> as_mapping({"a": 1}), as_mapping(["a"])
        ({'a': 1}, {})
    """
    return value if isinstance(value, Mapping) else {}
