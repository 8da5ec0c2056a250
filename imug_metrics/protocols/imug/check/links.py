# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What is wrong with the files beside the questions: image links, dynamic references and true grids."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from imug_metrics.protocols.imug.dynamic import DYNAMIC_LINKS
from imug_metrics.protocols.imug.grid import CODES, DOMAIN, GRIDS, SUBDOMAINS
from imug_metrics.protocols.imug.samples import LINKS, Key, Task, sample_key
from imug_metrics.reading.files import Problems, as_turn, kind, read_jsonl

Tasks: TypeAlias = "Mapping[Key, Mapping[int, Task]]"


def check_links(root: Path, tasks: Tasks, drawn: Container[tuple[Key, int]], problems: Problems) -> None:
    """Links of images that lead nowhere.

    Args:
        root: the benchmark.
        tasks: the questions by sample and turn.
        drawn: turns that bring an input image.
        problems: collects what is found.
    """
    path = root / LINKS
    for line, key, row in _known_rows(path, tasks, problems):
        entries = row.get("reference_links")
        turns: set[int] = set()
        for place, entry in enumerate(entries if isinstance(entries, list) else ()):
            turn = as_turn(entry.get("turn_idx")) if isinstance(entry, dict) else None
            if turn is None:
                continue  # on the list already, as is all that has not the expected shape
            field = f"reference_links[{place}]"
            task = tasks[key].get(turn)
            if task is None or task.modality != "image":
                problems.warn(path, line, f"{field}.turn_idx", f"turn {turn} is no image turn: its links are unused")
            elif turn in turns:
                problems.warn(path, line, f"{field}.turn_idx", f"turn {turn} occurs twice; the later entry wins")
            turns.add(turn)
            refs = entry.get("refs")
            for number, ref in enumerate(refs if isinstance(refs, list) else ()):
                why = _nowhere(ref, turn, key, tasks, drawn)
                if why:
                    problems.warn(path, line, f"{field}.refs[{number}]", why)


def check_dynamic(root: Path, tasks: Tasks, problems: Problems) -> None:
    """Dynamic questions without an entry that says what they depend on, and entries that lead nowhere."""
    path = root / DYNAMIC_LINKS
    open_turns = {(key, turn) for key, turns in tasks.items() for turn, task in turns.items() if task.dynamic}
    if not path.is_file():
        if open_turns:
            why = f"does not exist: {len(open_turns)} dynamic questions cannot be resolved"
            problems.error(path, None, "", why)
        return
    listed: set[tuple[Key, int]] = set()
    for line, key, row in _known_rows(path, tasks, problems, read=True):
        turn = as_turn(row.get("turn_idx"))
        task = None if turn is None else tasks[key].get(turn)
        if turn is None or task is None:
            problems.warn(
                path, line, "turn_idx", f"expected a turn of the sample, got {str(row.get('turn_idx'))[:80]!r}"
            )
            continue
        if (key, turn) in listed:
            problems.warn(path, line, "turn_idx", f"turn {turn} occurs twice")
        elif not task.dynamic:
            problems.warn(path, line, "turn_idx", f"turn {turn} has a fixed key: the entry is unused")
        listed.add((key, turn))
        _check_reference_turns(row.get("ref_turn_idxs"), turn, tasks[key], path, line, problems)
    for key, turn in sorted(open_turns - listed):
        problems.error(path, None, f"{'/'.join(key)} turn {turn}", "expected an entry for this dynamic question: none")


def check_grids(root: Path, tasks: Tasks, problems: Problems) -> None:
    """True boards that have not the expected shape or belong to no image turn, and image turns without one."""
    open_turns = {
        (key, turn)
        for key, turns in tasks.items()
        for turn, task in turns.items()
        if key[0] == DOMAIN and key[1] in SUBDOMAINS and task.modality == "image"
    }
    known: set[tuple[Key, int]] = set()
    for path in sorted((root / GRIDS).glob("*.jsonl")) if (root / GRIDS).is_dir() else ():
        key = _file_key(path.stem)
        if key is None or key not in tasks:
            problems.warn(path, None, "", "is named after no sample of the benchmark: it is unused")
            continue
        for line, row in read_jsonl(path, problems):
            turn = as_turn(row.get("turn"))
            if turn is None:
                problems.error(path, line, "turn", f"expected a turn from 1, got {str(row.get('turn'))[:80]!r}")
                continue
            if (key, turn) in known:
                problems.warn(path, line, "turn", f"turn {turn} occurs twice")
            elif (key, turn) not in open_turns:
                problems.warn(path, line, "turn", f"turn {turn} is no image turn that rules score: it is unused")
            known.add((key, turn))
            if not _is_board(row.get("grid")):
                problems.error(path, line, "grid", f"expected 3 rows of 3 texts out of {', '.join(CODES)}")
    for key, turn in sorted(open_turns - known):
        where = f"{'/'.join(key)} turn {turn}"
        problems.warn(root / GRIDS, None, where, "has no true board: the judge scores it instead of the rules")


def _known_rows(
    path: Path, tasks: Tasks, problems: Problems, *, read: bool = False
) -> Iterator[tuple[int, Key, dict[str, Any]]]:
    """Rows of samples of the benchmark; what does not read is collected only where no reader has done so."""
    if not path.is_file():
        return
    unread = problems if read else Problems()
    for line, row in read_jsonl(path, unread):
        key = sample_key(row, path, line, unread)
        if key is not None and key not in tasks:
            problems.warn(path, line, "sample_id", f"the benchmark has no sample {'/'.join(key)}: the row is unused")
        elif key is not None:
            yield line, key, row


def _nowhere(ref: Any, turn: int, key: Key, tasks: Tasks, drawn: Container[tuple[Key, int]]) -> str:
    """Why a link finds no image; empty where it may find one or was listed already."""
    other = as_turn(ref.get("ref_turn")) if isinstance(ref, dict) else None
    if other is None:
        return ""
    task = tasks[key].get(other)
    if task is None:
        return f"the sample has no turn {other}; the official judge stops here"
    if ref.get("ref_type") == "input":
        return "" if (key, other) in drawn else f"turn {other} has no input image"
    if task.modality == "text":
        return f"turn {other} is answered by text: there is no image"
    return "" if other < turn else f"turn {other} is not drawn before turn {turn}"


def _check_reference_turns(
    turns: Any, turn: int, tasks: Mapping[int, Task], path: Path, line: int, problems: Problems
) -> None:
    field = "ref_turn_idxs"
    if not isinstance(turns, list):
        problems.error(path, line, field, f"expected a list, got {kind(turns)}")
        return
    if not turns:
        problems.warn(path, line, field, "is empty: the judge sees no earlier turn")
    for place, value in enumerate(turns):
        other = as_turn(value)
        if other is None or other not in tasks:
            found = f"expected an earlier turn of the sample, got {str(value)[:80]!r}: it is skipped"
            problems.warn(path, line, f"{field}[{place}]", found)
        elif other >= turn:
            problems.warn(path, line, f"{field}[{place}]", f"turn {other} does not come before turn {turn}")


def _file_key(stem: str) -> Key | None:
    parts = stem.split("__", 2)
    return (parts[0], parts[1], parts[2]) if len(parts) == 3 else None


def _is_board(grid: Any) -> bool:
    return (
        isinstance(grid, list)
        and len(grid) == 3
        and all(isinstance(row, list) and len(row) == 3 and all(cell in list(CODES) for cell in row) for row in grid)
    )
