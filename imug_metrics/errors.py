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


class InputError(ValueError, TypeError):
    """An argument of a metric, or of its functional counterpart, is not as expected; nothing was changed.

    It is a ValueError and a TypeError, so that whoever catches either has it.

    Attributes:
        argument: its name.
        expected: what it has to be, as it stands behind the name.
        got: what was found.
        row: where: the row of flat records, line and column of padded ones, or the line of a list; None: everywhere.

    Example:
        >>> str(InputError("turn", "to be at least 1", 0, 3))
        'Expected argument `turn` to be at least 1, got 0 at row 3.'
    """

    def __init__(self, argument: str, expected: str, got: object = None, row: int | list[int] | None = None) -> None:
        super().__init__(argument, expected, got, row)
        self.argument, self.expected, self.got, self.row = argument, expected, got, row

    def __str__(self) -> str:
        found = "" if self.got is None else f", got {self.got}"
        place = "" if self.row is None else f" at row {self.row}"
        message = f"Expected argument `{self.argument}` {self.expected}{found}{place}"
        return message if message.endswith("?") else f"{message}."


class RepeatedDialoguesWarning(UserWarning):
    """A metric counted dialogues more often than once: they came in pieces or were sent again.

    Turn it into an error with `warnings.simplefilter("error", RepeatedDialoguesWarning)`.
    """


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
