# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What is kept of a finished model, so that a second run need not score it again."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imug_metrics.protocols.imug import Problem, Problems, TurnScore
from imug_metrics.report.files import to_json, write_whole
from imug_metrics.suite import ModelScores

FORMAT = 2


@dataclass(frozen=True)
class ModelResult:
    """Everything that a run finds out about one model.

    Attributes:
        scores: every metric.
        turns: official scores of single turns, in the order in which they are summed.
        text_rows: rows of the official score_mcq file.
        contents: how much of the benchmark the official numbers hold.
        problems: what was wrong in the model's outputs.
        rules: by name, how many turns each rule touches in which the protocols differ.
        judge: what is said of the judge: answers, failures by kind, agreement; empty without one. Not kept.
    """

    scores: ModelScores
    turns: list[TurnScore]
    text_rows: list[dict[str, Any]]
    contents: dict[str, Any]
    problems: Problems
    rules: dict[str, int]
    judge: dict[str, Any] = field(default_factory=dict)


def fingerprint(settings: Mapping[str, Any], contents: Iterable[Path], *folders: Path) -> str:
    """Digest of all that a model's scores depend on.

    Args:
        settings: versions and options, as JSON.
        contents: files that count by their content; absent ones count as absent.
        folders: the model's outputs, which count by name, size and time of change; absent ones count as empty.
    """
    digest = hashlib.blake2b(json.dumps([FORMAT, settings], sort_keys=True).encode(), digest_size=16)
    for path in contents:
        content = path.read_bytes() if path.is_file() else b"absent"
        digest.update(hashlib.blake2b(content, digest_size=16).digest())
    for folder in folders:
        digest.update(b"folder")
        for name, size, changed in _files(folder):
            digest.update(f"{name}\0{size}\0{changed}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def save(path: Path, result: ModelResult, mark: str) -> None:
    """Write a finished model's result as a whole."""
    content = {
        "fingerprint": mark,
        "model": result.scores.model,
        "scores": result.scores.scores,
        "contents": result.contents,
        "problems": [problem.as_row() for problem in result.problems],
        "rules": result.rules,
        "text_rows": result.text_rows,
        "turns": [turn._asdict() for turn in result.turns],
        "items": result.scores.items,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(to_json(content)) + "\n")


def load(path: Path, mark: str) -> ModelResult | None:
    """The result of an earlier run, or None where there is none or where anything it depends on has changed."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["fingerprint"] != mark:
            return None
        scores = {name: math.nan if value is None else float(value) for name, value in content["scores"].items()}
        return ModelResult(
            ModelScores(content["model"], scores, content["items"]),
            [TurnScore(**turn) for turn in content["turns"]],
            content["text_rows"],
            content["contents"],
            Problems(Problem(**problem) for problem in content["problems"]),
            content["rules"],
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # not there, or not written by this version
        return None


def _files(folder: Path) -> Iterator[tuple[str, int, int]]:
    for root, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            path = os.path.join(root, name)
            try:
                entry = os.stat(path)
            except OSError:
                yield os.path.relpath(path, folder), -1, -1
            else:
                yield os.path.relpath(path, folder), entry.st_size, entry.st_mtime_ns
