# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Logs of Inspect: `.eval` archives and `.json` files, whose samples are whole dialogues or single turns."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from imug_metrics.formats.chats.conversation import conversation_records
from imug_metrics.formats.common.image_sources import ImageSources
from imug_metrics.formats.common.json_rows import MAX_ROW_BYTES, json_rows
from imug_metrics.formats.common.place import Place
from imug_metrics.formats.common.zip_members import ZipError, ZipMembers
from imug_metrics.formats.protocol import Head, ReadOptions, RecordAt
from imug_metrics.formats.tables.columns import names_turn
from imug_metrics.formats.tables.rows import as_number, read_turn, shown
from imug_metrics.reading.files import Problems, kind
from imug_metrics.reading.text_files import TextError, decode

_HEADERS = ("header.json", "_journal/start.json")
_SAMPLES = "samples/"
_ATTACHMENT = "attachment://"
_VERDICTS = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}  # correct, partly, incorrect, no answer
# What a sample's metadata may say of a record; its key, options and scores are fields of the sample itself.
_FROM_METADATA = frozenset(
    (
        *("dialogue", "dialogue_id", "conversation_id", "session_id", "session", "conversation", "modality"),
        *("output_modality", "links", "reference_image", "mask", "subject", "subject_id", "class", "domain"),
        *("subdomain", "difficulty", "groups", "costs"),
    )
)
_FROM_MESSAGE = _FROM_METADATA.union({"target", "options", "choices", "score", "scores"})


class InspectReader:
    """Logs of Inspect, `.eval` or `.json`.

    A sample is a dialogue, its user's messages the turns; `target`, `choices` and scores are those of the last turn,
    where messages have none of their own in their metadata. Where the sample's metadata name a turn, it is that turn
    of the dialogue they name. C, P, I and N are the scores 1, 0.5, 0 and 0; a score of several values gives one for
    each, as `scorer.value`. Dialogues of several epochs end in `#2` and so on.
    """

    name = "inspect"

    def recognises(self, head: Head) -> bool:
        """An archive with the header of a log, or an object with the fields of one."""
        if head.start.startswith(b"PK"):
            return any(name in head.entries for name in _HEADERS)
        row = head.value
        return isinstance(row, Mapping) and "version" in row and isinstance(row.get("eval"), Mapping)

    def read(self, path: Path, options: ReadOptions, problems: Problems) -> Iterator[RecordAt]:
        """The records of each sample, see `conversation_records`; the line is the number of the sample in its log.

        Raises:
            ArgumentError: of `path`, if turns count from 0.
        """
        try:
            with path.open("rb") as file:
                packed = file.read(2) == b"PK"
            yield from (_archive if packed else _object)(path, options, problems)
        except OSError as error:
            problems.error(path, None, "", f"could not be opened: {error.strerror}")


@dataclass(frozen=True)
class _Log:
    """What holds for all samples of a log."""

    path: Path
    options: ReadOptions
    model: str | None

    def records(self, sample: Any, place: Place) -> Iterator[RecordAt]:
        """The records of a sample."""
        if not isinstance(sample, Mapping):
            place.error("", f"expected a sample, got {kind(sample)}")
            return
        metadata = _mapping(sample.get("metadata"))
        column = _turn_column(metadata, self.options.columns)
        turn = None if column is None else read_turn(metadata[column], f"metadata.{column}", place)
        messages = _messages(sample, place)
        if messages is None or (column is not None and turn is None):
            return
        if column is not None:
            messages = _last_turn(messages)
        row = self._row(sample, metadata, messages, place)
        if turn is not None:
            row[self.options.columns.get("turn", "turn")] = turn
        sources = ImageSources(self.options.images or self.path.parent)
        epoch = self._epoch(sample)
        for found in conversation_records(row, place, self.options, sources):
            name = f"{found.record.dialogue}#{epoch}" if epoch > 1 else found.record.dialogue
            record = replace(found.record, dialogue=name)
            yield RecordAt(record, found.line, found.model or self.model, place.file)

    def _row(
        self, sample: Mapping[str, Any], metadata: Mapping[str, Any], messages: list[Any], place: Place
    ) -> dict[str, Any]:
        """A sample as an object with messages, the last of the user with the key, the options and the scores."""
        own = {*self.options.columns.values()}
        row = {name: value for name, value in metadata.items() if name in _FROM_METADATA or name in own}
        given = {
            "target": _target(sample.get("target")),
            "choices": sample.get("choices") or None,
            "scores": _scores(sample.get("scores"), place),
        }
        last = max((n for n, message in enumerate(messages) if _role(message) == "user"), default=None)
        if last is not None:
            messages = [*messages]
            known = {name: value for name, value in given.items() if value}
            messages[last] = {**known, **messages[last]}
        tokens = _mapping(_mapping(sample.get("model_usage")).get(self.model or ""))
        usage = {"usage": {"output_tokens": tokens.get("output_tokens")}} if tokens else {}
        number = sample.get("id")
        return {"id": number if isinstance(number, (str, int)) else None, **row, **usage, "messages": messages}

    def _epoch(self, sample: Mapping[str, Any]) -> int:
        epoch = sample.get("epoch")
        return epoch if isinstance(epoch, int) and not isinstance(epoch, bool) else 1


def _archive(path: Path, options: ReadOptions, problems: Problems) -> Iterator[RecordAt]:
    """The records of an archive, sample by sample."""
    try:
        with ZipMembers(path, max_bytes=MAX_ROW_BYTES) as members:
            header = next((name for name in _HEADERS if name in members.names), None)
            known = Place(path / (header or _HEADERS[0]), None, problems)
            log = _log(path, options, None if header is None else _member(members, header, known), known)
            names = [name for name in members.names if name.startswith(_SAMPLES) and name.endswith(".json")]
            for name in names:
                place = Place(path / name, None, problems)
                parts = name.count("/")
                if parts == 1:
                    sample = _member(members, name, place)
                    yield from () if sample is None else log.records(sample, place)
                elif parts == 2 and name.endswith("/sample.json"):
                    place.error("", "is a sample in pieces, which is not read: write the log anew with samples whole")
            if not names:
                problems.error(path, None, _SAMPLES, "expected samples, found none: the log was not finished, or cut")
    except ZipError as error:
        problems.error(path, None, "", str(error))


def _member(members: ZipMembers, name: str, place: Place) -> Any:
    """The JSON value of a member, or None, with the reason told."""
    try:
        return json.loads(decode(members.read(name)))
    except (ZipError, TextError) as error:
        place.error("", str(error))
    except (ValueError, RecursionError) as error:
        place.error("", f"expected JSON: {str(error) or 'it is nested too deeply'}"[:200])
    return None


def _object(path: Path, options: ReadOptions, problems: Problems) -> Iterator[RecordAt]:
    """The records of a log in one JSON object."""
    for line, content in json_rows(path, problems):
        log = _log(path, options, content, Place(path, line, problems))
        samples = content.get("samples")
        if not isinstance(samples, list):
            problems.error(path, line, "samples", f"expected a list of samples, got {kind(samples)}")
            continue
        for number, sample in enumerate(samples, 1):
            yield from log.records(sample, Place(path, number, problems))


def _log(path: Path, options: ReadOptions, header: Any, place: Place) -> _Log:
    model = _mapping(_mapping(header).get("eval")).get("model")
    if not isinstance(model, str):
        place.error("eval.model", f"expected the name of the model, got {kind(model)}")
        return _Log(path, options, None)
    return _Log(path, options, model)


def _messages(sample: Mapping[str, Any], place: Place) -> list[Any] | None:
    """The messages of a sample, else its input and its output; attachments are put in, and their metadata laid open."""
    messages = sample.get("messages")
    if not messages:
        said = sample.get("input")
        said = said if isinstance(said, list) else [{"role": "user", "content": said}]
        choices = _mapping(sample.get("output")).get("choices")
        given = [_mapping(choice).get("message") for choice in choices] if isinstance(choices, list) else []
        messages = [*said, *given[:1]]
    if not isinstance(messages, list):
        place.error("messages", f"expected a list, got {kind(messages)}")
        return None
    attached = _mapping(sample.get("attachments"))
    found = []
    for number, message in enumerate(messages):
        if not isinstance(message, Mapping):
            place.error(f"messages[{number}]", f"expected a message, got {kind(message)}")
            return None
        said = {name: value for name, value in _mapping(message.get("metadata")).items() if name in _FROM_MESSAGE}
        content = _attached(message.get("content"), attached, place)
        found.append({**said, "role": message.get("role"), "content": content})
    return found


def _attached(value: Any, attached: Mapping[str, Any], place: Place) -> Any:
    """A content with its attachments in place of their names."""
    if isinstance(value, str) and value.startswith(_ATTACHMENT):
        content = attached.get(value.removeprefix(_ATTACHMENT))
        if not isinstance(content, str):
            place.error("attachments", f"expected {value[:80]!r}, which a message names")
        return content
    if isinstance(value, list):
        return [_attached(entry, attached, place) for entry in value]
    if isinstance(value, Mapping):
        return {
            name: _attached(entry, attached, place) if name in ("text", "image") else entry
            for name, entry in value.items()
        }
    return value


def _last_turn(messages: list[Any]) -> list[Any]:
    """The last message of the user, or the run of them, and what follows."""
    begin = max((n for n, message in enumerate(messages) if _role(message) == "user"), default=0)
    while begin > 0 and _role(messages[begin - 1]) == "user":
        begin -= 1
    return messages[begin:]


def _turn_column(metadata: Mapping[str, Any], columns: Mapping[str, str]) -> str | None:
    """The field of the metadata that names the turn; None where there is none."""
    if "turn" in columns:
        return columns["turn"] if columns["turn"] in metadata else None
    if "turn" in metadata:
        return "turn"
    return next((name for name in metadata if names_turn([name])), None)


def _target(value: Any) -> Any:
    """The key: of a list the only entry, for several that all are right are no key."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _scores(values: Any, place: Place) -> dict[str, float]:
    found = {}
    for name, score in _mapping(values).items():
        value = _mapping(score).get("value")
        several = value.items() if isinstance(value, Mapping) else [(None, value)]
        for part, entry in several:
            number = _VERDICTS.get(entry) if isinstance(entry, str) else None
            number = as_number(entry) if number is None else number
            if number is None:
                place.error(
                    f"scores.{str(name)[:80]}", f"expected a finite number, or C, P, I or N, got {shown(entry)}"
                )
            found[str(name) if part is None else f"{name}.{part}"] = math.nan if number is None else number
    return found


def _role(message: Any) -> Any:
    return message.get("role") if isinstance(message, Mapping) else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
