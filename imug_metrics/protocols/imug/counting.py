# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Turns that count from 0: every answer would be scored as that to the question before, so they are refused.

Numbers count from 0 where 0 is among them and all of them are turns of their sample once 1 is added. For the files
beside the questions this must hold in every sample; outputs and judgements are refused even where it holds in some
alone. The questions themselves, whose numbers are all that is known, count from 0 where they hold a turn 0 and another
one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from imug_metrics.errors import ArgumentError
from imug_metrics.protocols.imug.dynamic import DYNAMIC_LINKS
from imug_metrics.protocols.imug.grid import GRIDS, is_grid, truth_file
from imug_metrics.protocols.imug.samples import LINKS, SAMPLES, Key, Sample, sample_key
from imug_metrics.reading.files import Problems, as_turn, inside, read_json, read_jsonl

FROM_1 = "turns count from 1; add 1 to every turn"

Numbers: TypeAlias = "Mapping[Key, set[int]]"

_IMAGE = re.compile(r"turn_(\d{1,6})_output(?:_\d{1,6})?\.\w{1,5}")


def counted_from_zero(found: Numbers, turns: Numbers, *, some: bool = True) -> list[Key]:
    """The samples whose numbers count from 0.

    Args:
        found: numbers by sample.
        turns: the turns that each sample has, from 1.
        some: whether it is enough that one sample of several numbers counts from 0.

    Example:
        >>> turns = {("a", "b", "1"): {1, 2, 3}}
        >>> counted_from_zero({("a", "b", "1"): {0, 1, 2}}, turns)
        [('a', 'b', '1')]
        >>> counted_from_zero({("a", "b", "1"): {0, 1, 3}}, turns)
        []
    """
    known = [key for key, numbers in found.items() if numbers and key in turns]
    fitting = {key for key in known if {number + 1 for number in found[key]} <= turns[key]}
    zero = [key for key in known if 0 in found[key]]
    if len(fitting) == len(known):
        return zero
    return [key for key in zero if key in fitting and len(found[key]) > 1] if some else []


def check_outputs_counting(samples: Iterable[Sample], model: Path, folders: Mapping[Key, Path]) -> None:
    """Raise where a model's turns count from 0.

    Args:
        samples: the benchmark.
        model: the model's folder.
        folders: of each sample's answers.

    Raises:
        ArgumentError: of the argument `model`, with the cure.
    """
    samples = list(samples)
    replied = {sample.key: _replied(folders[sample.key], model) for sample in samples}
    drawn = {sample.key: _drawn(folders[sample.key]) for sample in samples}
    for what, found, turns, cure in (
        ("result.json", replied, _turns(samples), FROM_1),
        ("image names", drawn, _turns(samples, "image"), f"{FROM_1} in turn_<t>_output.png, the last first"),
    ):
        if wrong := counted_from_zero(found, turns):
            first = wrong[0]
            numbers = ", ".join(map(str, sorted(found[first])[:20]))
            if len(wrong) < sum(map(bool, found.values())):
                cure += " there, or remove turn 0 where it is no answer"
            raise ArgumentError(
                "model",
                f"{model}: expected turns from 1, got turns from 0 in the {what} of {len(wrong)} of"
                f" {sum(map(bool, found.values()))} dialogues, such as {numbers} in {folders[first]}: {cure}",
            )


def check_benchmark_counting(root: Path, samples: Iterable[Sample]) -> None:
    """Raise where the turns of questions, links, dynamic references or true boards count from 0.

    Args:
        root: the benchmark folder.
        samples: those of its samples that are read.

    Raises:
        ArgumentError: of the argument `benchmark`, with the cure.
    """
    samples = list(samples)
    asked = _numbers(root / SAMPLES, lambda row: (task.get("turn") for task in _objects(row.get("tasks"))))
    zero = [key for key, numbers in asked.items() if 0 in numbers]
    wrong = [key for key in zero if len(asked[key]) > 1 or len(zero) == sum(map(bool, asked.values()))]
    if wrong:
        got = f"got turns from 0 in {len(wrong)} of {len(asked)} samples, such as {'/'.join(wrong[0])}"
        raise ArgumentError("benchmark", f"{root / SAMPLES}: expected turns from 1, {got}: {FROM_1}, in all files")
    found: dict[Path, dict[Key, set[int]]] = {
        root / LINKS: _numbers(root / LINKS, _linked),
        root / DYNAMIC_LINKS: _numbers(root / DYNAMIC_LINKS, _referenced),
        root / GRIDS: {},
    }
    for sample in filter(is_grid, samples):
        found[root / GRIDS] |= _numbers(truth_file(root, sample), lambda row: [row.get("turn")], sample.key)
    for path, numbers in found.items():
        if counted_from_zero(numbers, _turns(samples), some=False):
            raise ArgumentError("benchmark", f"{path}: expected turns from 1, got turns from 0: {FROM_1}")


def check_judged_counting(samples: Iterable[Sample], keys: Path, points: Path) -> None:
    """Raise where the turns of recorded judgements count from 0.

    Args:
        samples: the benchmark.
        keys: the file of resolved keys.
        points: the file of points.

    Raises:
        ArgumentError: of the argument `judged`, with the cure.
    """
    samples = list(samples)
    dynamic = {sample.key: {task.turn for task in sample.tasks if task.dynamic} for sample in samples}
    for path, turns in ((keys, dynamic), (points, _turns(samples, "image"))):
        if counted_from_zero(_numbers(path, lambda row: [row.get("turn")]), turns):
            raise ArgumentError("judged", f"{path}: expected turns from 1, got turns from 0: {FROM_1}")


def _is_zero(value: Any) -> bool:
    """Whether a turn is given as 0, as a number or as text."""
    if isinstance(value, str):
        return value.strip() != "" and set(value.strip()) == {"0"}
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == 0


def _number(value: Any) -> int | None:
    return 0 if _is_zero(value) else as_turn(value)


def _turns(samples: Iterable[Sample], modality: str | None = None) -> dict[Key, set[int]]:
    return {sample.key: {task.turn for task in sample.tasks if modality in (None, task.modality)} for sample in samples}


def _numbers(
    path: Path, read: Callable[[dict[str, Any]], Iterable[Any]], key: Key | None = None
) -> dict[Key, set[int]]:
    """The numbers of a file by sample, all of one where the file is of one; what does not read its reader tells."""
    found: dict[Key, set[int]] = {}
    unread = Problems()
    for line, row in read_jsonl(path, unread) if path.is_file() else ():
        of = key or sample_key(row, path, line, unread)
        if of is not None:
            found.setdefault(of, set()).update(n for n in map(_number, read(row)) if n is not None)
    return found


def _linked(row: Mapping[str, Any]) -> Iterator[Any]:
    for entry in _objects(row.get("reference_links")):
        yield entry.get("turn_idx")
        yield from (ref.get("ref_turn") for ref in _objects(entry.get("refs")))


def _referenced(row: Mapping[str, Any]) -> list[Any]:
    references = row.get("ref_turn_idxs")
    return [row.get("turn_idx"), *(references if isinstance(references, list) else ())]


def _objects(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _replied(folder: Path, model: Path) -> set[int]:
    path = folder / "result.json"
    content = read_json(path, Problems()) if inside(path, model) else None
    entries = content.get("tasks") if isinstance(content, dict) else None
    rows: Sequence[Any] = entries if isinstance(entries, list) else ()
    numbers = (_number(row.get("turn")) for row in rows if isinstance(row, dict))
    return {number for number in numbers if number is not None}


def _drawn(folder: Path) -> set[int]:
    try:
        names = os.listdir(folder)
    except (OSError, ValueError):  # absent, no folder, or a name that no file can have
        return set()
    return {int(match[1]) for name in names if (match := _IMAGE.fullmatch(name))}
