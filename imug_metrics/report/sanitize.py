# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Text that others wrote, made fit for a terminal."""

from __future__ import annotations


def plain(text: str) -> str:
    r"""The text on one line, with everything escaped that a terminal would act upon or could not print.

    Control characters could move the cursor, rename the window or hide a line; marks of direction could turn the
    order of what is read; a lone surrogate cannot be encoded.

    Example:
        >>> plain("café \x1b[2J\n"), plain("\ud800")
        ('café \\x1b[2J\\n', '\\ud800')
    """
    return text if text.isprintable() else "".join(c if c.isprintable() else _escape(c) for c in text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
