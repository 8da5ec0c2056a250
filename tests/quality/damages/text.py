# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What can happen to a text."""

from __future__ import annotations

import base64
import random
import re
from collections.abc import Callable

from tests.quality.items import TEXT


def clean() -> str:
    return TEXT


def _shuffled(word: re.Match[str]) -> str:
    letters = list(word[0])
    random.Random(word[0]).shuffle(letters)
    return "".join(letters)


def _letters(count: int) -> str:
    draw = random.Random(0)
    return (
        " ".join("".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=draw.randint(2, 9))) for _ in range(count)) + "."
    )


DAMAGES: dict[str, Callable[[], str | bytes]] = {
    "empty": lambda: "",
    "only-spaces": lambda: " \n\t ",
    "cut-in-a-sentence": lambda: TEXT[: TEXT.index("coast") + 3],
    "cut-in-a-quotation": lambda: TEXT[: TEXT.index("mountains")],
    "one-sentence-again-and-again": lambda: "The keeper lit the lamp every evening. " * 12,
    "stuck-on-a-word": lambda: TEXT[:120] + "the lamp " * 60,
    "stuck-on-a-letter": lambda: TEXT[:120] + "a" * 300,
    "letters-shuffled": lambda: re.sub(r"\w{4,}", _shuffled, TEXT),
    "random-letters": lambda: _letters(80),
    "random-characters": lambda: "".join(random.Random(0).choices([chr(c) for c in range(33, 127)], k=500)),
    "no-vowels": lambda: re.sub("[aeiou]", "", TEXT),
    "all-capitals": lambda: TEXT.upper(),
    "all-small": lambda: TEXT.lower(),
    "no-punctuation": lambda: re.sub(r"[^\w\s]", "", TEXT),
    "no-spaces": lambda: TEXT.replace(" ", ""),
    "each-letter-three-times": lambda: re.sub(r"(\w)", r"\1\1\1", TEXT),
    "changing-case": lambda: "".join(c.upper() if k % 2 else c.lower() for k, c in enumerate(TEXT)),
    "wrong-table": lambda: "Über die Größe der Türme wäre später noch zu reden.".encode().decode("latin-1"),
    "replacement-characters": lambda: TEXT.replace("e", "\ufffd"),
    "control-characters": lambda: TEXT.replace(" t", "\x07t"),
    "private-characters": lambda: TEXT.replace("a", "\ue001"),
    "no-utf-8": lambda: b"\xff\xfe" + TEXT.encode("utf-16-le"),
    "bracket-left-open": lambda: TEXT.replace(")", ""),
    "fence-left-open": lambda: TEXT + "\n```python\nlamp.on()\n",
    "marks-instead-of-words": lambda: "### --- ||| *** " * 20,
    "base64": lambda: base64.b64encode(TEXT.encode()).decode(),
    "tags-left-over": lambda: "<div><p><br/></p></div>" * 30,
    "one-endless-sentence": lambda: re.sub(r"[.,]\s", " and then ", TEXT * 3),
}
