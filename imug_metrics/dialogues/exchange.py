# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Whether `dialogue` and `turn` were given in each other's place, as far as the numbers show it.

Exchanged records have few dialogues, called 1 to K as turns are, with far more turns each, whose numbers are the ids of
dialogues. Where those ids count from 1 without a gap and all dialogues are of one length, the records look the same
either way, and where ids are strings or 0 they are refused as turns already. So a warning needs all of these: K is 3 or
more; there are 16 turns or more, and four times as many as dialogues; every turn is there for dialogues 1 to some m,
which exchanged would be dialogues without a gap; and the turns of each dialogue come at irregular distances. Turns that
lie closer together than they are large, as time stamps do, are never meant, nor are rows that come in order.
"""

from __future__ import annotations

import torch
from torch import Tensor

from imug_metrics._callers import warn_caller

LEAST_DIALOGUES, LEAST_TURNS, TURNS_A_DIALOGUE = 3, 16, 4
STAMPS = 1_000_000
"""From here on turns that lie closer together than they are large are time stamps."""
_IRREGULAR = 1 / 8  # share of distances that are not the most frequent


def warn_of_exchange(dialogue: Tensor, turn: Tensor, first: int, last: int, count: int) -> None:
    """Warn where dialogues and turns seem to be exchanged.

    Args:
        dialogue, turn: int64 `[N]`, in the order of dialogue and turn, none twice.
        first, last: the least and the largest id.
        count: number of dialogues. What is not called 1 to `count` costs nothing more.
    """
    if (first, last) != (1, count) or count < LEAST_DIALOGUES or len(turn) < LEAST_TURNS:
        return
    if _is_exchanged(dialogue, turn, count):
        warn_caller(
            f"`dialogue` holds 1 to {count}, and `turn` many more numbers at irregular distances, each for dialogues 1 "
            "to some m: did you swap `dialogue` and `turn`?"
        )


def _is_exchanged(dialogue: Tensor, turn: Tensor, count: int) -> bool:
    order = turn.argsort(stable=True)
    turns, dialogues = turn[order], dialogue[order]
    rows = torch.arange(len(turn), device=turn.device)
    opens = torch.cat([turns[:1] == turns[:1], turns[1:] != turns[:-1]])
    place = rows - rows.where(opens, 0).cummax(0).values + 1
    distances = turn.diff()[dialogue.diff() == 0]
    usual = distances.mode().values if len(distances) else distances.new_zeros(())
    odd = (distances != usual).count_nonzero()
    looked = torch.stack([opens.count_nonzero(), (dialogues != place).count_nonzero(), odd, turns[0], turns[-1]])
    distinct, gaps, irregular, least, largest = looked.tolist()
    stamps = least >= STAMPS and largest - least < least
    many = distinct >= max(LEAST_TURNS, TURNS_A_DIALOGUE * count)
    return many and not gaps and not stamps and irregular > _IRREGULAR * len(distances)
