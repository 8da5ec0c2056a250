# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The model's first reply as it is."""

from __future__ import annotations

from imug_metrics.inference.turn import Answer, Turn


class Direct:
    """The model's first reply as it is."""

    name = "direct"

    async def answer(self, turn: Turn) -> Answer:
        """One request."""
        reply = await turn.reply()
        return Answer(reply.wanted(turn.want))
