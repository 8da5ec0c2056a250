# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Several outputs a turn in the official layout: the candidates of best-of-n, their selector's scores, and costs.

A run may hold, beside what it answered with,

- images `turn_<t>_output_<i>.png` in the folder of the question, in the order of their numbers i;
- in result.json, for an entry of `tasks`, `candidates`: a list of texts, or for images of file names in the folder,
  each as it is or as `{"model_response": ..., "score": number}` with the score by which the run selects;
- there too, `attempts`: outputs that were replaced, which are counted but are no candidates.

The costs of a turn, which its record carries, are what all its candidates cost: where only the first of them are read,
they say nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from imug_metrics.protocols.imug.counting import check_outputs_counting
from imug_metrics.protocols.imug.outputs import question_folder, read_entries, read_records
from imug_metrics.protocols.imug.samples import Sample
from imug_metrics.protocols.imug.usage import as_number
from imug_metrics.reading.files import Problems, inside, kind
from imug_metrics.suite import Record

MAX_CANDIDATES = 4096


@dataclass(frozen=True)
class Candidates:
    """What a run left for one turn.

    Attributes:
        record: the turn with the output that the run answered with, if any.
        outputs: the candidates, texts or images; empty where the run has none.
        scores: the selector's score of each, NaN where there is none.
        costs: by kind, what the turn cost.
        attempts: how many outputs were made and replaced, which are no candidates.
    """

    record: Record
    outputs: tuple[str | Path, ...]
    scores: tuple[float, ...]
    costs: Mapping[str, float]
    attempts: int = 0

    @property
    def made(self) -> int:
        """How many outputs were made; a turn that has none of them left has cost one."""
        return max(len(self.outputs), 1) + self.attempts


def read_candidates(
    samples: Iterable[Sample], run: Path, problems: Problems, *, limit: int | None = None
) -> Iterator[Candidates]:
    """One entry for each turn of each sample.

    Args:
        samples: the benchmark.
        run: the run's folder, holding <domain>/<subdomain>/question_<sample_id>/.
        problems: collects what is wrong. A turn that has candidates may lack an output of its own.
        limit: read only the first so many candidates of a turn.

    Yields:
        Entries in the order of the benchmark.

    Raises:
        ArgumentError: if the turns of the answers count from 0.
    """
    samples = list(samples)
    check_outputs_counting(samples, run, {sample.key: question_folder(run, sample.key) for sample in samples})
    for sample in samples:
        folder = question_folder(run, sample.key)
        written = read_entries(folder, run, Problems(), texts=False) or {}  # what is wrong `read_records` tells
        own = Problems()
        records = list(read_records([sample], run, own))
        numbered = _numbered(folder)
        entries = {record.turn: written.get(record.turn, [{}])[-1] for record in records}
        found = [_read(record, folder, run, entries[record.turn], numbered, problems) for record in records]
        with_candidates = {f"turn {entry.record.turn}" for entry in found if entry.outputs}
        problems += [problem for problem in own if problem.field not in with_candidates]
        for entry in found:
            costs = entry.costs if limit is None or len(entry.outputs) <= limit else {}
            yield replace(entry, outputs=entry.outputs[:limit], scores=entry.scores[:limit], costs=costs)


def _numbered(folder: Path) -> dict[int, list[Path]]:
    """Files turn_<t>_output_<i>.png by turn, in the order of i."""
    found: dict[int, dict[int, Path]] = {}
    for path in folder.glob("turn_*_output_*.png"):
        match = re.fullmatch(r"turn_([0-9]{1,4})_output_([0-9]{1,6})\.png", path.name)
        if match:
            found.setdefault(int(match[1]), {})[int(match[2])] = path
    return {turn: [files[i] for i in sorted(files)] for turn, files in found.items()}


def _read(
    record: Record, folder: Path, run: Path, entry: dict[str, Any], numbered: dict[int, list[Path]], problems: Problems
) -> Candidates:
    field = f"turn {record.turn}"
    rows = entry.get("candidates", [])
    if not isinstance(rows, list):
        problems.error(folder / "result.json", None, f"{field}: candidates", f"expected a list, got {kind(rows)}")
        rows = []
    named, scores = [], []
    for place, row in enumerate(rows[:MAX_CANDIDATES]):
        content = row.get("model_response") if isinstance(row, dict) else row
        score = as_number(row.get("score")) if isinstance(row, dict) else math.nan
        if content is not None and not isinstance(content, str):
            where = f"{field}: candidates[{place}]"
            problems.error(folder / "result.json", None, where, f"expected text, got {kind(content)}")
        named.append(content if isinstance(content, str) else None)
        scores.append(score)
    outputs: list[str | Path | None] = list(named)
    if record.modality == "image":
        files = numbered.get(record.turn, [])[:MAX_CANDIDATES]
        outputs = [_file(path, run, field, problems) for path in files]
        if not files:
            outputs = [_file(folder / name, folder, field, problems) if name else None for name in named]
        scores = [*scores, *[math.nan] * len(outputs)][: len(outputs)]
    kept = [(output, score) for output, score in zip(outputs, scores, strict=True) if output is not None]
    replaced = entry.get("attempts")
    attempts = min(len(replaced), MAX_CANDIDATES) if isinstance(replaced, list) else 0
    return Candidates(record, tuple(o for o, _ in kept), tuple(s for _, s in kept), record.costs, attempts)


def _file(path: Path, root: Path, field: str, problems: Problems) -> Path | None:
    if inside(path, root):
        return path
    problems.error(path, None, field, "leads out of its folder or is no file: not followed")
    return None
