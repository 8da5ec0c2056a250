# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Turns with an instruction of a strategy at their end, and with what their requests cost."""

from __future__ import annotations

from dataclasses import replace

from imug_metrics.inference.costs import Costs
from imug_metrics.inference.model import History, Message, ModelError, Part, Reply, Want
from imug_metrics.inference.turn import Ask, Step, Turn

LONGEST_LOG = 4000
"""Characters of a text of the model that are kept in a log."""


def instructed(turn: Turn, instruction: str) -> Turn:
    """The turn with an instruction as the last part of the user's message.

    Example:
        >>> asked = Turn("d", 1, "text", (Message("user", ("Which?",)),), "Which?", ask=None)
        >>> instructed(asked, "Think.").history[-1].parts
        ('Which?', 'Think.')
    """
    *earlier, last = turn.history
    return replace(turn, history=(*earlier, Message(last.role, (*last.parts, instruction))))


def replied(turn: Turn, reply: Part, instruction: str) -> Turn:
    """The turn after a reply of the model and a further instruction.

    Example:
        >>> asked = Turn("d", 1, "text", (Message("user", ("Which?",)),), "Which?", ask=None)
        >>> [message.role for message in replied(asked, "B", "Check it.").history]
        ['user', 'assistant', 'user']
    """
    return turn.saying(Message("assistant", (reply,)), Message("user", (instruction,)))


def metered(turn: Turn, costs: Costs) -> Turn:
    """The turn with every request, in whatever role, added to some costs."""

    def counting(ask: Ask) -> Ask:
        async def counted(history: History, want: Want, step: Step) -> Reply:
            try:
                reply = await ask(history, want, step)
            except ModelError:
                costs.add({}, replied=False)
                raise
            costs.add(reply.usage, replied=True)
            return reply

        return counted

    return replace(turn, ask=counting(turn.ask), roles={role: counting(ask) for role, ask in turn.roles.items()})
