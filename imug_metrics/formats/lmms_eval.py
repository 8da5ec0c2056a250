# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Samples that lmms-eval and lm-evaluation-harness log, one JSON object a line.

lmms-eval leaves out the question's own fields (`doc`), so dialogue and turn stand there only where the task wrote them
into a metric's value; lm-evaluation-harness logs them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from imug_metrics.formats.common.json_rows import json_rows
from imug_metrics.formats.common.place import Place
from imug_metrics.formats.common.usual_names import USUAL
from imug_metrics.formats.protocol import Head, ReadOptions, RecordAt
from imug_metrics.formats.tables.rows import Rows, as_json
from imug_metrics.reading.files import Problems

_REPLY, _IMAGES = "resps", "resps.images"
_GIVEN = {"text": _REPLY, "prompt": "input", "target": "target", "image": _IMAGES}
_KNOWN = frozenset(
    (
        *("doc_id", "doc", "target", "arguments", "input", "resps", "filtered_resps", "filter", "metrics", "doc_hash"),
        *("prompt_hash", "target_hash", "token_counts", "input_media"),
    )
)
_FILE = re.compile(r"(?:\d{8}_\d{6}_)?samples_.+\.jsonl")
_USUAL = {name: ranks for name, ranks in USUAL.items() if name not in ("score", "scores", "costs")}
_MAX_NAMES = 1_000


class LmmsEvalReader:
    """Samples of lmms-eval (`*_samples_TASK.jsonl`) and of lm-evaluation-harness (`samples_TASK_*.jsonl`).

    The answer is what the model replied (`resps`), before filters. Numbers of a sample are scores, by the names of
    their metrics; a metric's object gives its `score`. All else is looked for in what metrics and `doc` hold. Where the
    harness applied several filters, the rows of the first are read. A generated image comes as the JSON that models of
    lmms-eval write, `{"text": ..., "images": [...]}`; such a reply without image and without a key lacks its image.
    """

    name = "lmms-eval"

    def recognises(self, head: Head) -> bool:
        """Lines that hold filtered replies, or replies to a numbered document."""
        row = head.value
        return isinstance(row, Mapping) and ("filtered_resps" in row or {"resps", "doc_id"} <= row.keys())

    def read(self, path: Path, options: ReadOptions, problems: Problems) -> Iterator[RecordAt]:
        """The record of each line; see `Rows`.

        Raises:
            ArgumentError: of `columns`, if no field holds the dialogue or the turn; of `path`, if turns count from 0.
        """
        names: dict[str, None] = {}
        for _, row in json_rows(path, Problems()):
            names.update(dict.fromkeys(islice(_flat(row, Place(path, None, Problems())), _MAX_NAMES - len(names))))
        if not names:  # what is wrong is told by reading
            for _ in json_rows(path, problems):
                pass
            return
        given = {field: name for field, name in _GIVEN.items() if name in names}
        options = replace(options, columns={**given, **options.columns})
        rows = Rows(path, names, options, problems, usual=_USUAL)
        model = path.parent.name if _FILE.fullmatch(path.name) else None
        left = _Filters()
        for line, row in json_rows(path, problems):
            if left.out(row, line):
                continue
            record = rows.read(_flat(row, Place(path, line, problems)), line)
            if record is not None:
                yield record._replace(model=record.model or model)
        left.warn(path, problems)
        rows.end()


class _Filters:
    """Leaves out the rows of all filters but the first, and tells how many that were."""

    def __init__(self) -> None:
        self.first: Any = None
        self.others: dict[str, tuple[int, int]] = {}  # by filter: rows, and the line of the first

    def out(self, row: Mapping[str, Any], line: int) -> bool:
        name = row.get("filter")
        if not isinstance(name, str):
            return False
        self.first = name if self.first is None else self.first
        if name == self.first:
            return False
        count, begin = self.others.get(name, (0, line))
        self.others[name] = (count + 1, begin)
        return True

    def warn(self, path: Path, problems: Problems) -> None:
        for name, (count, line) in self.others.items():
            message = f"{count} rows of the filter {name[:80]!r} are not read: they repeat those of {self.first[:80]!r}"
            problems.warn(path, line, "filter", message)


class _Reply(NamedTuple):
    """What a model replied: text and images, and whether it was logged in the form that can hold both."""

    text: str | None = None
    images: list[Any] = []  # noqa: RUF012
    interleaved: bool = False


def _flat(row: Mapping[str, Any], place: Place) -> dict[str, Any]:
    """A sample as one row: fields of its question and of its metrics, its reply, and a score for each metric."""
    doc = row.get("doc")
    metrics = {name: value for name, value in row.items() if name not in _KNOWN}
    reply = _reply(row, place)
    flat = {
        **(doc if isinstance(doc, Mapping) else {}),
        **_agreed([value for value in metrics.values() if isinstance(value, Mapping)]),
        **{name: value for name, value in row.items() if name not in ("resps", "filtered_resps", "input", "target")},
        **{f"score.{name}": score for name, value in metrics.items() if (score := _score(value)) is not None},
        _REPLY: reply.text,
    }
    prompt, target = _prompt(row), row.get("target")
    if prompt is not None:
        flat["input"] = prompt
    if target not in (None, "", "None") and reply.text is not None:
        flat["target"] = target
    if reply.images:
        flat[_IMAGES] = reply.images[-1]
    if reply.images or (reply.interleaved and "target" not in flat):
        flat.setdefault("modality", "image")
    return flat


def _reply(row: Mapping[str, Any], place: Place) -> _Reply:
    value = row.get("resps", row.get("filtered_resps"))
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, list):
        if not value or any(isinstance(entry, list) for entry in value):
            return _Reply()  # likelihoods of options
        place.error("resps", f"expected one reply, got {len(value)}: which of them is meant is not said")
        return _Reply()
    if not isinstance(value, str):
        return _Reply()
    both = as_json(value) if value.lstrip().startswith("{") else None
    if not isinstance(both, dict) or not {"images"} <= both.keys() <= {"text", "images"}:
        return _Reply(value)
    text, images = both.get("text"), both["images"]
    if not isinstance(images, list):
        place.error("resps", "expected images as a list")
        images = []
    if len(images) > 1:
        place.warn("resps", f"{len(images)} images in one output: the last counts")
    return _Reply(text if isinstance(text, str) else None, images, True)


def _prompt(row: Mapping[str, Any]) -> str | None:
    """What the model was asked, as it was logged: the first argument of its request."""
    value = row.get("input")
    arguments = row.get("arguments")
    if isinstance(arguments, Mapping):
        first = arguments.get("gen_args_0")
        value = first.get("arg_0") if isinstance(first, Mapping) else None
    return value if isinstance(value, str) else None


def _agreed(objects: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Fields of metrics' values, without those of which two say different things."""
    found: dict[str, Any] = {}
    differ = {"score"}
    for values in objects:
        for name, value in values.items():
            if found.setdefault(name, value) != value:
                differ.add(name)
    return {name: value for name, value in found.items() if name not in differ}


def _score(value: Any) -> Any:
    value = value.get("score") if isinstance(value, Mapping) else value
    return value if isinstance(value, (bool, int, float)) else None
