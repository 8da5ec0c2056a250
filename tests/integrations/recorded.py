# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Dialogues and what a model replied, recorded: the same run goes through every harness, and through the library."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from imug_metrics import AnswerAccuracy

DIALOGUES = 30
_COLOURS = ("red", "blue", "green", "pink")


def rows() -> list[dict[str, Any]]:
    """Rows `id`, `dialogue`, `turn`, `question`, `answer` (the key) and `reply`, dialogue by dialogue.

    A question names its dialogue and turn, so that a model which replays the replies finds each by its question. What
    is right falls from turn to turn; some replies say more than a letter, and one says nothing that can be read.
    """
    random_ = random.Random(7)
    found = []
    for number in range(DIALOGUES):
        for turn in range(1, random_.randint(2, 5) + 1):
            key = random_.choice("ABCD")
            right = random_.random() < 1.05 - 0.15 * turn
            letter = key if right else random_.choice([other for other in "ABCD" if other != key])
            options = " ".join(f"{name}. {colour}" for name, colour in zip("ABCD", _COLOURS))
            row = {
                "id": f"{number}-{turn}",
                "dialogue": f"room/{number}",
                "turn": turn,
                "question": f"Room {number}, turn {turn}: which colour has the cup? {options}",
                "answer": key,
                "reply": random_.choice([letter, f"({letter})", f"The answer is {letter}."]),
            }
            found.append(row)
    found[-1]["reply"] = "I cannot tell."
    return found


def write_rows(path: Path) -> Path:
    """The rows as JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows()), encoding="utf-8")
    return path


def expected() -> dict[str, float]:
    """What the library itself says of them."""
    given = rows()
    metric = AnswerAccuracy(detail=True)
    metric.update(
        [row["reply"] for row in given],
        [row["answer"] for row in given],
        dialogue=[row["dialogue"] for row in given],
        turn=[row["turn"] for row in given],
    )
    return {name: value.item() for name, value in metric.compute().items()}
