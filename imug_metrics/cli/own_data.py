# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Files of one's own on the command line: which they are, and which of their columns holds what."""

from __future__ import annotations

import math
import re
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from imug_metrics.cli.messages import named_as, print_note
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation import Settings
from imug_metrics.evaluation.files import check_scorable, key_fault, read_files
from imug_metrics.evaluation.inputs import CHOICES
from imug_metrics.evaluation.layouts import kinds
from imug_metrics.formats import RecordsByModel
from imug_metrics.formats.protocol import FIELDS

FLAGS = {"path": "FILE", "models": "model"}
_OF_BENCHMARK = (
    *("benchmark", "outputs", "judged", "reference_history", "limit", "overwrite", "judge_url", "judge_model"),
    *("judge_local", "official_prompts", "human", "retry_errors"),
)
_WRITTEN = (
    *("items.jsonl", "problems.jsonl", "summary.json", "manifest.json", "evaluation.json", "per_turn.csv"),
    "samples.csv",
    "report.html",
)
_SPLIT = re.compile(r",(?=\s*[\w.]+\s*=)")  # a column's name may hold a comma


def settings_of_files(options: Namespace) -> Settings:
    """What `imug-metrics score FILE ...` scores.

    Raises:
        ArgumentError: if options do not go together, or a file cannot be read or scored.
    """
    _check_alone(options)
    _check_out(options.out, options.files)
    _check_state(options.state, options.files)
    models, ranges = chosen(options.model), parse_ranges(chosen(options.score_range))
    with named_as(**FLAGS):
        found = read_files(options.files, models=models, **reading(options))
        check_scorable(found, options.files, encoder=options.encoder is not None)
    if options.encoder is None and any(record.image is not None for of in found.values() for record in of):
        print_note(f"note: no encoder was named, so images are not scored. To score them add --encoder: {CHOICES}")
    _note_keys(found, options)
    named = ("encoder", "device", "cache", "missing", "kind")
    given = {name: getattr(options, name) for name in named}
    ranged, keep = ranges or None, options.state is not None
    return Settings(records=found, leave_images=True, score_ranges=ranged, keep_states=keep, **given)


def _note_keys(found: RecordsByModel, options: Namespace) -> None:
    """Say where keys cannot be what they are compared as: their turns are left out, and the mean does not show it."""
    fault = key_fault(found, options.kind)
    if fault is not None:
        numbers = ", numbers by --kind numeric" if options.kind == "choice" else ""
        cure = f"words are compared by --kind exact or --kind f1{numbers}"
        print_note(f"note: {fault}; {cure}")


def reading(options: Namespace) -> dict[str, Any]:
    """How files are read: format, columns and the folder of images."""
    return {"format": options.format, "columns": parse_columns(options.columns or ()), "images": options.images}


def chosen(names: Sequence[Sequence[str]] | None) -> list[str]:
    """The names of an option that may come more than once."""
    return [name for group in names or () for name in group]


def parse_columns(texts: Sequence[str]) -> dict[str, str]:
    """Columns by field from FIELD=COLUMN,FIELD=COLUMN.

    Raises:
        ArgumentError: if a part has another form, or a field comes twice.

    Example:
        >>> parse_columns(["dialogue=id,turn=t", "score.clip=CLIP, mean"])
        {'dialogue': 'id', 'turn': 't', 'score.clip': 'CLIP, mean'}
    """
    found: dict[str, str] = {}
    for part in (part for text in texts for part in _SPLIT.split(text)):
        field, equals, column = part.partition("=")
        field, column = field.strip(), column.strip()
        if not (equals and field and column):
            shown = ", ".join(FIELDS)
            raise ArgumentError("columns", f"expected FIELD=COLUMN, got {part!r}; fields are {shown} and score.NAME")
        if field not in FIELDS and column in FIELDS:
            raise ArgumentError("columns", f"expected FIELD=COLUMN, got {part!r}; did you mean {column}={field}?")
        if field in found:
            raise ArgumentError("columns", f"expected each field once, got {field} again in {part!r}")
        found[field] = column
    return found


def parse_ranges(texts: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Ends of scores by name from NAME=LOW:HIGH.

    Raises:
        ArgumentError: if one has another form, or a name comes twice.

    Example:
        >>> parse_ranges(["judge=1:5", "gain=-1:1"])
        {'judge': (1.0, 5.0), 'gain': (-1.0, 1.0)}
    """
    found: dict[str, tuple[float, float]] = {}
    for text in texts:
        name, _, ends = text.rpartition("=")
        try:
            low, high = map(float, ends.split(":"))
        except ValueError:
            low = high = math.nan
        if not name or math.isnan(low):
            hint = f"; is {text} a file? Name it before --score-range" if Path(text).exists() else ""
            raise ArgumentError("score_range", f"expected NAME=LOW:HIGH, got {text!r}{hint}")
        if name in found:
            raise ArgumentError("score_range", f"expected each score once, got {name} again in {text!r}")
        found[name] = low, high
    return found


def _check_alone(options: Namespace) -> None:
    """Raise where options of a benchmark stand beside files of one's own."""
    for name in _OF_BENCHMARK:
        if not getattr(options, name):
            continue
        if name in ("benchmark", "outputs"):
            folder = next((file for file in options.files if "outputs" in kinds(file)), "DIR")
            cure = f"score outputs of a benchmark by --benchmark DIR --outputs {folder} alone, and files without both"
            raise ArgumentError((name, "FILE"), f"expected one of them; {cure}")
        raise ArgumentError(name, "expected together with --benchmark, not with FILE")
    if options.repeats != 1:
        raise ArgumentError("repeats", "expected together with --benchmark, not with FILE")
    for file in options.files:
        if not file.exists() and file.name.partition("=")[0] in FIELDS:
            raise ArgumentError("columns", f"expected one text, FIELD=COLUMN,FIELD=COLUMN; is {file} a part of it?")
        found = kinds(file) if file.is_dir() else ()
        if not {"outputs", "model"}.isdisjoint(found):
            outputs = file if "outputs" in found else file.absolute().parent
            message = f"{file} holds outputs of a benchmark; did you mean --benchmark DIR --outputs {outputs}?"
            raise ArgumentError("FILE", message)


def _check_out(out: Path | None, files: Sequence[Path]) -> None:
    """Raise where the report would be written over what is read."""
    if out is None:
        return
    if out.exists() and not out.is_dir():
        raise ArgumentError("out", f"expected a folder, {out} is a file")
    for file in files:
        inside = file.is_dir() and out.resolve().is_relative_to(file.resolve())
        if inside or (file.resolve().parent == out.resolve() and file.name in _WRITTEN):
            raise ArgumentError("out", f"expected a folder outside of {file}, which is read")


def _check_state(state: Path | None, files: Sequence[Path]) -> None:
    """Raise where the states would be written over a folder or what is read."""
    if state is None:
        return
    if state.is_dir():
        raise ArgumentError("state", f"expected a file, {state} is a folder")
    if state.resolve() in {file.resolve() for file in files}:
        raise ArgumentError("state", f"expected another file than {state}, which is read")
