# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What the library raises where arguments, files or replies are not as expected."""

from __future__ import annotations


class ArgumentError(ValueError):
    """An argument is not as expected.

    Args:
        arguments: its name, or the names of several that do not go together.
        message: what was expected, and what was found.

    Example:
        >>> str(ArgumentError("limit", "expected a number of samples from 1, got 0"))
        'Argument `limit`: expected a number of samples from 1, got 0'
    """

    def __init__(self, arguments: str | tuple[str, ...], message: str) -> None:
        self.arguments = (arguments,) if isinstance(arguments, str) else arguments
        self.message = message
        names = ", ".join(f"`{name}`" for name in self.arguments)
        super().__init__(f"Argument{'' if len(self.arguments) == 1 else 's'} {names}: {message}")


class ReplyError(ValueError):
    """A reply that cannot be used.

    Attributes:
        kind: short name of what is wrong, to be counted.
        reply: the reply, where the judge that raises this has one.

    Example:
        >>> str(ReplyError("too_many_points", "Expected 3 points, got 4."))
        'Expected 3 points, got 4.'
    """

    def __init__(self, kind: str, message: str, reply: str | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.reply = reply
