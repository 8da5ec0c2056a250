# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Samples that lmms-eval and lm-evaluation-harness log, one JSON object a line.

lmms-eval leaves out the question's own fields (`doc`), so dialogue and turn stand there only where the task wrote them
into a metric's value; lm-evaluation-harness logs them. Tasks that score by `imug_metrics.integrations` write whole
records, of one turn or of a dialogue's `turns`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from imug_metrics.errors import ArgumentError
from imug_metrics.formats.common.json_rows import json_rows
from imug_metrics.formats.common.place import Place
from imug_metrics.formats.common.usual_names import USUAL
from imug_metrics.formats.protocol import Head, ReadOptions, RecordAt
from imug_metrics.formats.tables.columns import names_turn
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
_SCORED = ({"dialogue", "turn", "modality"}, {"dialogue", "turns"})


class LmmsEvalReader:
    """Samples of lmms-eval (`*_samples_TASK.jsonl`) and of lm-evaluation-harness (`samples_TASK_*.jsonl`).

    The answer is what the model replied (`resps`), before filters. Numbers of a sample are scores, by the names of
    their metrics; a metric's object gives its `score`. All else is looked for in what metrics and `doc` hold. Where the
    harness applied several filters, the rows of the first are read. A generated image comes as the JSON that models of
    lmms-eval write, `{"text": ..., "images": [...]}`; such a reply without image and without a key lacks its image.

    A metric's object with `dialogue`, `turn` and `modality`, or with `dialogue` and `turns`, is what was scored: the
    answer is the one in it, and its `score` is left for the metrics to find again.
    """

    name = "lmms-eval"

    def recognises(self, head: Head) -> bool:
        """Lines that hold filtered replies, or replies to a numbered document; a folder with such a file."""
        if head.path.is_dir() and any(map(_FILE.fullmatch, head.entries)):
            return True
        row = head.value
        return isinstance(row, Mapping) and ("filtered_resps" in row or {"resps", "doc_id"} <= row.keys())

    def read(self, path: Path, options: ReadOptions, problems: Problems) -> Iterator[RecordAt]:
        """The record of each line; see `Rows`.

        Raises:
            ArgumentError: of `columns`, if no field holds the dialogue or the turn; of `path`, if turns count from 0,
                or a folder holds samples of several tasks or runs.
        """
        path = _only_file(path) if path.is_dir() else path
        names: dict[str, None] = {}
        for _, row in json_rows(path, Problems()):
            for turn in _turns(row, Place(path, None, Problems())):
                names.update(dict.fromkeys(islice(turn, _MAX_NAMES - len(names))))
        if not names:  # what is wrong is told by reading
            for _ in json_rows(path, problems):
                pass
            return
        given = {field: name for field, name in _GIVEN.items() if name in names}
        options = replace(options, columns={**given, **options.columns})
        rows = _rows(path, names, options, problems)
        model = path.parent.name if _FILE.fullmatch(path.name) else None
        left = _Filters()
        for line, row in json_rows(path, problems):
            if left.out(row, line):
                continue
            for turn in _turns(row, Place(path, line, problems)):
                record = rows.read(turn, line)
                if record is not None:
                    yield record._replace(model=record.model or model)
        left.warn(path, problems)
        rows.end()


def _rows(path: Path, names: Mapping[str, None], options: ReadOptions, problems: Problems) -> Rows:
    """What makes records of the rows.

    Raises:
        ArgumentError: of `columns`, if no field holds the dialogue or the turn; it says what to set in the task.
    """
    try:
        return Rows(path, names, options, problems, usual=_USUAL)
    except ArgumentError as error:
        if "turn" in options.columns or names_turn(names):
            raise
        cure = "or let the task write it with `process_results` of imug_metrics.integrations.lmms_eval or .lm_eval"
        raise ArgumentError(error.arguments, f"{error.message}; {cure}") from None


def _only_file(folder: Path) -> Path:
    """The file of samples in a folder.

    Raises:
        ArgumentError: if there are several: their dialogues would be taken for those of one task.
    """
    first, *others = sorted(path for path in folder.iterdir() if _FILE.fullmatch(path.name))
    if others:
        names = ", ".join(path.name for path in (first, *others)[:3])
        told = f"{folder} holds {1 + len(others)} files of samples, {names}{', ...' if len(others) > 2 else ''}"
        raise ArgumentError("path", f"{told}: name one of them")
    return first


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


class Reply(NamedTuple):
    """What a model replied: text and images, and whether it was written in the form that can hold both."""

    text: str | None = None
    images: list[Any] = []  # noqa: RUF012
    interleaved: bool = False


def read_reply(value: Any, place: Place) -> Reply:
    """A reply of a model: text, or the JSON of text and images in which models of lmms-eval write both.

    Example:
        >>> place = Place(Path("samples.jsonl"), 1, Problems())
        >>> read_reply('{"text": "Here.", "images": ["a.png"]}', place)
        Reply(text='Here.', images=['a.png'], interleaved=True)
        >>> read_reply("B", place).text
        'B'
    """
    if not isinstance(value, str):
        return Reply()
    both = as_json(value) if value.lstrip().startswith("{") else None
    if not isinstance(both, dict) or not {"images"} <= both.keys() <= {"text", "images"}:
        return Reply(value)
    text, images = both.get("text"), both["images"]
    if not isinstance(images, list):
        place.error("resps", "expected images as a list")
        images = []
    if len(images) > 1:
        place.warn("resps", f"{len(images)} images in one output: the last counts")
    return Reply(text if isinstance(text, str) else None, images, True)


def _turns(row: Mapping[str, Any], place: Place) -> list[dict[str, Any]]:
    """The turns that a sample speaks of as rows: one, or those of the dialogue that its task has written."""
    metrics = {name: value for name, value in row.items() if name not in _KNOWN}
    scored = [value for value in metrics.values() if _is_scored(value)]
    if not scored:
        return [_flat(row, metrics, place)]
    whole = _agreed(scored)
    others = {name: value for name, value in metrics.items() if not _is_scored(value)}
    if "turns" not in whole:
        return [_as_scored(whole, row, others)]
    turns = whole.pop("turns")
    if not isinstance(turns, list) or not turns or not all(isinstance(turn, Mapping) for turn in turns):
        place.error("turns", "expected the turns of a dialogue as a list of objects")
        return []
    return [_as_scored({**whole, **turn}, row, {}) for turn in turns]  # a score of a dialogue is none of a turn


def _is_scored(value: Any) -> bool:
    """Whether a metric's value holds a whole record, or those of a dialogue."""
    return isinstance(value, Mapping) and any(names <= value.keys() for names in _SCORED)


def _as_scored(turn: Mapping[str, Any], row: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    """A turn as its task has written it, with the scores of other metrics."""
    named = {"text": _REPLY, "prompt": "input", "image": _IMAGES}
    return {
        **{name: value for name, value in row.items() if name not in ("resps", "filtered_resps", "input", "target")},
        **_scores(others),
        _REPLY: None,
        **{named.get(name, name): value for name, value in turn.items()},
    }


def _flat(row: Mapping[str, Any], metrics: Mapping[str, Any], place: Place) -> dict[str, Any]:
    """A sample as one row: fields of its question and of its metrics, its reply, and a score for each metric."""
    doc = row.get("doc")
    reply = _reply(row, place)
    flat = {
        **(doc if isinstance(doc, Mapping) else {}),
        **_agreed([value for value in metrics.values() if isinstance(value, Mapping)]),
        **{name: value for name, value in row.items() if name not in ("resps", "filtered_resps", "input", "target")},
        **_scores(metrics),
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


def _reply(row: Mapping[str, Any], place: Place) -> Reply:
    value = row.get("resps", row.get("filtered_resps"))
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, list):
        if not value or any(isinstance(entry, list) for entry in value):
            return Reply()  # likelihoods of options
        taken = _taken(row)
        if taken in value:
            place.warn("resps", f"{len(value)} replies in one sample: the one that its filter took counts")
            return read_reply(taken, place)
        place.error("resps", f"expected one reply, got {len(value)}: which of them is meant is not said")
        return Reply()
    return read_reply(value, place)


def _taken(row: Mapping[str, Any]) -> str | None:
    """The reply that the harness scored, where its filter took one of several."""
    value = row.get("filtered_resps") if "resps" in row else None
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, str) else None


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


def _scores(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """A score for each metric that has a number."""
    return {f"score.{name}": score for name, value in metrics.items() if (score := _score(value)) is not None}


def _score(value: Any) -> Any:
    value = value.get("score") if isinstance(value, Mapping) else value
    return value if isinstance(value, (bool, int, float)) else None
