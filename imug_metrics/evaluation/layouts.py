# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What a folder holds: a benchmark, outputs, judgements or results; and which folder was meant where it is another."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Literal, TypeAlias

from imug_metrics.errors import ArgumentError
from imug_metrics.protocols import imug
from imug_metrics.protocols.imug.outputs import question_folder
from imug_metrics.reading.fields import nearest

Wanted: TypeAlias = Literal["benchmark", "outputs", "model", "judged", "results"]

_WANTED: Mapping[Wanted, str] = {
    "benchmark": f"a folder with {imug.SAMPLES}",
    "outputs": "a folder that holds one folder a model",
    "model": "the folder of one model's outputs",
    "judged": "a folder of recorded judgements, one folder a model",
    "results": "a folder that `imug-metrics score` has written",
}
HOLDS = {
    "benchmark": "is a benchmark",
    "benchmark part": "is a part of a benchmark",
    "above outputs": "holds folders of outputs",
    "outputs": "holds the outputs of models",
    "model": "holds one model's outputs",
    "domain": "holds one domain of a model's outputs",
    "subdomain": "holds one subdomain of a model's outputs",
    "question": "holds the outputs of one question",
    "judged": "holds recorded judgements",
    "judged model": "holds the recorded judgements of one model",
    "judged part": "holds a part of the recorded judgements of one model",
    "results": "holds what `imug-metrics score` has written",
    "results part": "holds a part of what `imug-metrics score` has written",
}
"""What is said of a folder of each kind."""
_LEVELS = ("question", "subdomain", "domain", "model", "outputs")
_PARTS: Mapping[Wanted, Collection[str]] = {
    "benchmark": ("benchmark part",),
    "outputs": _LEVELS[:-1],
    "model": _LEVELS[:-2],
    "judged": ("judged model", "judged part"),
    "results": ("results part",),
}
"""Kinds of folders that lie within one that is wanted."""
_JUDGED = ("dynamic_answer", "score_img", "score_mcq")
_RESULTS = ("evaluation.json", "items.jsonl")
_BRANCHES, _FOLDERS, _QUESTIONS = 64, 100, 16  # looked at: of a folder, of a branch, and as many questions of a branch
_UP = 5
_SHOWN = 3


def check_layouts(given: Mapping[str, tuple[Path | None, Wanted]], domains: Collection[str] = ()) -> None:
    """Raise where a folder is certainly of another kind than is wanted; what is of no known kind passes.

    Args:
        given: by argument, the folder (None: not given) and what it has to hold.
        domains: of the benchmark, where they are known: a folder whose folders bear their names is one model's.

    Raises:
        ArgumentError: it names the argument, what the folder holds, and the folder that seems to be meant; where two
            stand in each other's place it names both.
    """
    folders = {name: (folder, wanted) for name, (folder, wanted) in given.items() if folder is not None}
    for name, (folder, wanted) in folders.items():
        if not folder.is_dir():
            raise ArgumentError(name, f"expected an existing folder, got {misfit(folder, wanted)}")
    found = {name: kinds(folder, domains) for name, (folder, _) in folders.items()}
    for name, (folder, wanted) in folders.items():
        if wanted in found[name] or (not found[name] and wanted not in ("benchmark", "results")):
            continue
        for other, (place, wanted_there) in folders.items():
            if wanted in found[other] and wanted_there in found[name]:
                raise ArgumentError((name, other), f"they seem to be swapped; did you mean {place} and {folder}?")
        raise ArgumentError(name, f"expected {_WANTED[wanted]}, {misfit(folder, wanted, domains)}")


def misfit(folder: Path, wanted: Wanted, domains: Collection[str] = ()) -> str:
    """What a folder that is not as wanted is instead, and which one seems to be meant, for the end of a message.

    Args:
        folder: the folder, or what was given as one.
        wanted: what it should hold.
        domains: of the benchmark, as for `check_layouts`.
    """
    if folder.is_dir():
        found = kinds(folder, domains)
        return f"{folder} {HOLDS[found[0]] if found else 'is none'}{_meant(folder, wanted, domains)}"
    if folder.exists():
        parent = folder.absolute().parent
        meant = f"; did you mean {parent}?" if wanted in kinds(parent) else _meant(parent, wanted, ())
        return f"{folder}, which is a file{meant}"
    near = nearest(folder.name, [below.name for below in islice(_folders(folder.parent), _BRANCHES)])
    return f"{folder}, which does not exist" + ("" if near is None else f"; did you mean {folder.with_name(near)}?")


def kinds(folder: Path, domains: Collection[str] = ()) -> tuple[str, ...]:
    """What a folder holds, of what is known; none: nothing that is known.

    Args:
        folder: the folder.
        domains: of the benchmark, as for `check_layouts`.
    """
    parts = (_of_benchmark(folder), _of_results(folder), _of_judged(folder), _of_outputs(folder, domains))
    return tuple(dict.fromkeys(kind for part in parts for kind in part))


def _of_benchmark(folder: Path) -> Iterator[str]:
    if os.path.isfile(folder / imug.SAMPLES):
        yield "benchmark"
    real = folder.resolve()
    for above in list(real.parents)[:_UP]:
        inner = real.relative_to(above).parts[0]
        if inner in (imug.SAMPLES.parts[0], imug.CLASSES.parts[0]) and os.path.isfile(above / imug.SAMPLES):
            yield "benchmark part"


def _of_results(folder: Path) -> Iterator[str]:
    if _is_results(folder):
        yield "results"
    real = folder.resolve()
    if real.name in ("models", "official") and _is_results(real.parent):
        yield "results part"


def _is_results(folder: Path) -> bool:
    return any(os.path.isfile(folder / name) for name in _RESULTS)


def _of_judged(folder: Path) -> Iterator[str]:
    if folder.resolve().name in _JUDGED:
        yield "judged part"
    elif _has_judgements(folder):
        yield "judged model"
    elif any(map(_has_judgements, islice(_folders(folder), _BRANCHES))):
        yield "judged"


def _has_judgements(folder: Path) -> bool:
    return any(os.path.isdir(folder / name) for name in _JUDGED)


def _of_outputs(folder: Path, domains: Collection[str]) -> Iterator[str]:
    if _is_question(folder):
        yield "question"
        return
    branches = list(islice(_folders(folder), _BRANCHES))
    depths = {depth + 1 for branch in branches for depth in islice(_questions(branch), _QUESTIONS)}
    named = sum(branch.name in domains for branch in branches)
    nested = {3, 4} <= depths and 2 * named > len(branches)  # a model's folder that keeps older outputs as well
    if nested or (not depths and named and named == len(branches)):
        yield "model"
        return
    levels = [_LEVELS[depth] for depth in sorted(depths, reverse=True) if depth < len(_LEVELS)]
    yield from (level for level in levels if not domains or _is_named(level, folder, branches, domains))
    if depths and min(depths) >= len(_LEVELS):
        yield "above outputs"


def _is_named(level: str, folder: Path, branches: Sequence[Path], domains: Collection[str]) -> bool:
    """Whether names say the same as depths: a question that lies one level off may be all that is odd."""
    if level == "model":
        return any(branch.name in domains for branch in branches)
    named = {"domain": folder, "subdomain": folder.parent}.get(level)
    return named is None or named.name in domains


def _questions(folder: Path) -> Iterator[int]:
    """How far below a folder the outputs of questions lie, once for each folder that holds some."""
    stack = [(folder, 0)]
    for _ in range(_FOLDERS):
        if not stack:
            return
        at, depth = stack.pop()
        if _is_question(at):
            yield depth
            continue
        below = list(islice(_folders(at), _FOLDERS)) if depth < _UP else []
        if below and _is_question(below[0]):
            yield depth + 1
        else:
            stack += [(path, depth + 1) for path in reversed(below)]


def _is_question(folder: Path) -> bool:
    named = folder.name.startswith("question_")  # so may a domain be; but that holds folders, and no result
    return named and (os.path.isfile(folder / "result.json") or next(_folders(folder), None) is None)


def _folders(folder: Path) -> Iterator[Path]:
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    yield from (path for name in names if not name.startswith(".") and os.path.isdir(path := folder / name))


def _meant(folder: Path, wanted: Wanted, domains: Collection[str]) -> str:
    """The question which folder was meant: above one that lies too deep, else below or beside it."""
    deep = any(kind in _PARTS[wanted] for kind in kinds(folder, domains))
    above = [path for path in list(folder.absolute().parents)[:_UP] if path != path.parent]
    inside = list(_inside(folder))
    for place in (above, inside) if deep else (inside, above):
        found = [path for path in place if wanted in kinds(path, domains)]
        if found and place is above and deep and wanted in ("outputs", "judged"):
            return f"; did you mean {found[0]} with the model {folder.absolute().relative_to(found[0]).parts[0]!r}?"
        if found:
            return f"; did you mean {' or '.join(map(str, found[: 1 if place is above else _SHOWN]))}?"
    return ""


def _inside(folder: Path) -> Iterator[Path]:
    """Folders below a folder, two levels deep, and those beside it and beside the one it lies in."""
    below = list(islice(_folders(folder), _BRANCHES))
    yield from below
    for path in below:
        yield from islice(_folders(path), _BRANCHES)
    here = folder.absolute()
    for above in (here.parent, here.parent.parent):
        yield from (path for path in islice(_folders(above), _BRANCHES) if path not in (here, here.parent))


def check_any_output(argument: str, models: Sequence[Path], samples: Collection[imug.Sample]) -> None:
    """Raise where none of the folders that a benchmark asks for is there.

    Args:
        argument: that the outputs were given as.
        models: folders of models.
        samples: of the benchmark.

    Raises:
        ArgumentError: it says where the first output was looked for.
    """
    if not any(question_folder(model, sample.key).is_dir() for model in models for sample in samples):
        place = question_folder(models[0], next(iter(samples)).key)
        raise ArgumentError(argument, f"found no output of the benchmark; the first would lie in {place}")
