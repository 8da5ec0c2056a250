# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What is found out about one model, and the file that keeps it, so that a second run need not score it again."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from imug_metrics.metrics.description import MetricDescription
from imug_metrics.protocols.imug import Problem, TurnScore
from imug_metrics.reading.text_files import read_text
from imug_metrics.report.files import json_text, schema, write_whole
from imug_metrics.suite import ModelScores

KIND = "model"
MAX_BYTES = 2**32
"""Size of the largest file of a result that is read: it has a row a record."""


@dataclass(frozen=True)
class OfficialScores:
    """The numbers of the official protocol.

    Attributes:
        turns: scores of single turns, in the order in which they are summed.
        text_rows: rows of the official score_mcq file.
        contents: how much of the benchmark the official numbers hold.
        rules: by name, how many turns each rule touches in which the protocols differ.
    """

    turns: tuple[TurnScore, ...] = ()
    text_rows: tuple[dict[str, Any], ...] = ()
    contents: Mapping[str, Any] = field(default_factory=dict)
    rules: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelResult:
    """Everything that an evaluation finds out about one model.

    Attributes:
        scores: every metric.
        official: the official numbers; None where records were scored, which have none.
        problems: what was wrong in the model's outputs.
        judge: what is said of the judge: answers, failures by kind, agreement; empty without one.
        fingerprint: of all that the scores depend on; empty where that has none.
    """

    scores: ModelScores
    official: OfficialScores | None = None
    problems: tuple[Problem, ...] = ()
    judge: Mapping[str, Any] = field(default_factory=dict)
    fingerprint: str = ""

    @property
    def model(self) -> str:
        """The model's name."""
        return self.scores.model


def fingerprint(settings: Mapping[str, Any], contents: Iterable[Path], *folders: Path) -> str:
    """Digest of all that a model's scores depend on.

    Args:
        settings: versions and options, as JSON.
        contents: files that count by their content; absent ones count as absent.
        folders: the model's outputs, which count by name, size and time of change; absent ones count as empty.
    """
    digest = hashlib.blake2b(json.dumps([schema(KIND), settings], sort_keys=True).encode(), digest_size=16)
    for path in contents:
        content = path.read_bytes() if path.is_file() else b"absent"
        digest.update(hashlib.blake2b(content, digest_size=16).digest())
    for folder in folders:
        digest.update(b"folder")
        for name, size, changed in _files(folder):
            digest.update(f"{name}\0{size}\0{changed}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def write_result(path: Path, result: ModelResult) -> None:
    """Write what was found about one model as a whole; the file's folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = asdict(replace(result, scores=replace(result.scores, embedded={}, state=None)))
    for elsewhere in ("embedded", "state"):
        del content["scores"][elsewhere]
    if result.official is not None:
        content["official"]["turns"] = [turn._asdict() for turn in result.official.turns]
    write_whole(path, json_text(KIND, content, indent=None))


def read_result(path: Path, mark: str | None = None) -> ModelResult | None:
    """What an earlier run wrote, or None where there is nothing, or nothing that this version can use.

    Args:
        path: the file.
        mark: the fingerprint that it must have; None: any.
    """
    try:
        content = json.loads(read_text(path, max_bytes=MAX_BYTES))
        if content["schema"] != schema(KIND) or (mark is not None and content["fingerprint"] != mark):
            return None
        if content["scores"]["model"] != path.stem:  # it names files when it is written again
            return None
        return _result(content)
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
    ):  # not there, or not of this version
        return None


def _result(content: Mapping[str, Any]) -> ModelResult:
    scores, official = content["scores"], content["official"]
    values = {name: math.nan if value is None else float(value) for name, value in scores["scores"].items()}
    items = scores["items"]
    if "copy_guard" not in values:  # the column held the copies by cosine once, which are other ones
        items = [{**row, "copy": None} for row in items]
    reasons = {name: str(why) for name, why in scores["reasons"].items()}
    described = {str(name): MetricDescription.from_json(row) for name, row in scores["descriptions"].items()}
    return ModelResult(
        ModelScores(scores["model"], values, items, reasons, described),
        None if official is None else _official(official),
        tuple(Problem(**problem) for problem in content["problems"]),
        content["judge"],
        content["fingerprint"],
    )


def _official(content: Mapping[str, Any]) -> OfficialScores:
    turns = tuple(TurnScore(**turn) for turn in content["turns"])
    return OfficialScores(turns, tuple(content["text_rows"]), content["contents"], content["rules"])


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
