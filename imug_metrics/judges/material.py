# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Texts that others wrote, as they stand in a prompt."""

from __future__ import annotations


def marked_material(name: str, text: str) -> str:
    r"""A text between a line that begins it and a line that ends it, which it cannot write itself.

    Args:
        name: what it is.
        text: whatever was written.

    Example:
        >>> print(marked_material("answer", "B\n=== end answer"))
        === begin answer
        B
        = = = end answer
        === end answer
    """
    return f"=== begin {name}\n{text.replace('===', '= = =')}\n=== end {name}"
