# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Dynamic questions: which earlier turns their keys depend on, which options they offer, and how a reply becomes a key.

The work list is that of the released tool: the entries of the link file, not the dynamic turns of the benchmark. A
dynamic turn without an entry is never resolved.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from imug_metrics.protocols.imug.replies import LETTERS, fixed_letters, official_letters, strict_letters
from imug_metrics.protocols.imug.samples import Key, Sample, Task, sample_key
from imug_metrics.reading.files import Problems, as_turn, kind, read_jsonl

DYNAMIC_LINKS = Path("data/dynamic_references.jsonl")
_LABEL = re.compile(r"(?<![^\W_])([A-G])\s?[.):、．：）]")


@dataclass(frozen=True)
class DynamicLink:
    """The earlier turns that a question's key depends on."""

    key: Key
    turn: int
    references: tuple[int, ...]


def read_dynamic_links(benchmark: Path, samples: Iterable[Sample], problems: Problems) -> list[DynamicLink]:
    """The questions whose keys a judge is to find, in file order.

    Args:
        benchmark: the benchmark folder; without data/dynamic_references.jsonl there are none.
        samples: whose questions; entries of other samples and of turns that they lack are left out.
        problems: collects what is wrong. Of a question that occurs twice the later entry counts.
    """
    path = benchmark / DYNAMIC_LINKS
    turns = {sample.key: {task.turn for task in sample.tasks} for sample in samples}
    links: dict[tuple[Key, int], DynamicLink] = {}
    if not path.is_file():
        return []
    for line, row in read_jsonl(path, problems):
        key, turn = sample_key(row, path, line, problems), as_turn(row.get("turn_idx"))
        references = row.get("ref_turn_idxs")
        if turn is None:
            problems.error(path, line, "turn_idx", f"expected a turn from 1, got {str(row.get('turn_idx'))[:80]!r}")
        elif not isinstance(references, list):
            problems.error(path, line, "ref_turn_idxs", f"expected a list, got {kind(references)}")
        elif key is not None and turn in turns.get(key, ()):
            if (key, turn) in links:
                problems.warn(path, line, "turn_idx", f"turn {turn} occurs twice; the later entry counts")
            found = tuple(number for number in map(as_turn, references) if number is not None)
            links[key, turn] = DynamicLink(key, turn, found)
    return list(links.values())


def listed_options(question: str) -> str:
    """The letters that a question labels its options with: A to the last without a gap; A to G where it shows none.

    Example:
        >>> listed_options("Which one? A. red B. blue C. green"), listed_options("(A) a cup (B) a plate")
        ('ABC', 'AB')
        >>> listed_options("Which letter?")
        'ABCDEFG'
    """
    found = set(_LABEL.findall(question))
    count = next((place for place, letter in enumerate(LETTERS) if letter not in found), len(LETTERS))
    return LETTERS[:count] if count > 1 else LETTERS


def official_key(reply: str, task: Task) -> str:
    """The key as the released tool makes it; see `official_letters` for the rule and the errors."""
    return official_letters(reply, task.stated or "")


def strict_key(reply: str, task: Task, *, several: bool) -> str:
    """The key from a reply that names options of the question; see `strict_letters` for the errors.

    Args:
        reply: the judge's.
        task: the question.
        several: whether more than one option may be right.
    """
    judged = strict_letters(reply, listed_options(task.prompt), single=not several)
    return "".join(sorted({*fixed_letters(task.stated or ""), *judged}))
