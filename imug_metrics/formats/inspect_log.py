# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Logs of Inspect: `.eval` archives and `.json` files, whose samples are whole dialogues or single turns."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from imug_metrics.formats.common.image_sources import ImageSources
from imug_metrics.formats.common.json_rows import MAX_ROW_BYTES, json_rows
from imug_metrics.formats.common.lone_turns import LoneTurns
from imug_metrics.formats.common.mappings import as_mapping
from imug_metrics.formats.common.place import Place
from imug_metrics.formats.common.repeats import model_of_repeat
from imug_metrics.formats.common.zip_members import ZipError, ZipMembers
from imug_metrics.formats.inspect_sample import names_dialogue, sample_records, turn_column
from imug_metrics.formats.protocol import Head, ReadOptions, RecordAt
from imug_metrics.reading.files import Problems, kind
from imug_metrics.reading.text_files import TextError, decode

_HEADERS = ("header.json", "_journal/start.json")
_SAMPLES = "samples/"
_WHOLE = re.compile(r"_epoch_\d+\.json$")  # behind the id of a sample, which may hold slashes


class InspectReader:
    """Logs of Inspect, `.eval` or `.json`.

    A sample is a dialogue, its user's messages the turns; `target`, `choices` and scores are those of the last turn,
    where messages have none of their own in their metadata, and a list of targets holds a key for each turn. Where the
    sample's metadata name a turn, it is that turn of the dialogue they name. C, P, I and N are the scores 1, 0.5, 0 and
    0; a score of several values gives one for each, as `scorer.value`; those of the scorers of
    `imug_metrics.integrations.inspect_ai` are left out, for what they were made of is scored anew.

    An epoch repeats all dialogues, and is no new one: what comes after the first is of a model of its own, which ends
    in `#2` and so on.
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


class _Log:
    """What holds for all samples of a log, and what only all of them together show."""

    def __init__(self, path: Path, options: ReadOptions, header: Any, place: Place) -> None:
        self.path, self.options, self.place = path, options, place
        self.sources = ImageSources(options.images or path.parent)
        of_run = as_mapping(as_mapping(header).get("eval"))
        model = of_run.get("model")
        if not isinstance(model, str):
            place.error("eval.model", f"expected the name of the model, got {kind(model)}")
        self.model = model if isinstance(model, str) else None
        self._status = as_mapping(header).get("status")
        self._expected = _expected_samples(of_run)
        self._samples = 0
        self._lone = LoneTurns()
        self._single: set[str] = set()  # dialogues of one turn that no metadata name
        self._are_single = True

    def records(self, sample: Any, place: Place) -> Iterator[RecordAt]:
        """The records of a sample; epochs after the first are of a model of their own."""
        if not isinstance(sample, Mapping):
            place.error("", f"expected a sample, got {kind(sample)}")
            return
        self._samples += 1
        found = list(sample_records(sample, place, self.options, self.sources, model=self.model))
        self._look(as_mapping(sample.get("metadata")), found)
        epoch = sample.get("epoch")
        for each in found:
            yield each._replace(model=self._name(each.model or self.model, epoch), file=place.file)

    def check(self) -> None:
        """Tell what only all samples show.

        Raises:
            ArgumentError: of `columns`, if turns go on while no two samples are of one dialogue.
        """
        cut = self._status not in (None, "success") if self._expected is None else self._samples < self._expected
        if cut:
            of = "" if self._expected is None else f" of {self._expected}"
            status = str(self._status)[:20]
            self.place.error("status", f"the run ended as {status!r}: {self._samples}{of} samples are here")
        if self._are_single and len(self._single) > 1:
            cure = "where they are turns, let the task write `dialogue` and `turn` into the metadata of its samples"
            self.place.warn("metadata", f"no sample says its turn: each is a dialogue of one turn; {cure}")
        self._lone.check(self.path, "or let the task write `dialogue` into the metadata of its samples")

    def _look(self, metadata: Mapping[str, Any], found: list[RecordAt]) -> None:
        """Remember what the metadata of a sample leave open."""
        named = names_dialogue(metadata, self.options.columns)
        if turn_column(metadata, self.options.columns) is not None and not named:
            for each in found:
                self._lone.add(each.record.dialogue, each.record.turn, "id")
        self._are_single &= len(found) < 2 and not named
        self._single.update(each.record.dialogue for each in found)

    def _name(self, model: str | None, epoch: Any) -> str | None:
        return model_of_repeat(model, epoch, default=self.options.model or self.path.stem)


def _archive(path: Path, options: ReadOptions, problems: Problems) -> Iterator[RecordAt]:
    """The records of an archive, sample by sample."""
    try:
        with ZipMembers(path, max_bytes=MAX_ROW_BYTES) as members:
            header = next((name for name in _HEADERS if name in members.names), None)
            known = Place(path / (header or _HEADERS[0]), None, problems)
            log = _Log(path, options, None if header is None else _member(members, header, known), known)
            names = [name for name in members.names if name.startswith(_SAMPLES) and name.endswith(".json")]
            for name in names:
                place = Place(path / name, None, problems)
                if _WHOLE.search(name):
                    sample = _member(members, name, place)
                    yield from () if sample is None else log.records(sample, place)
                elif name.endswith("/sample.json"):
                    place.error("", "is a sample in pieces, which is not read: write the log anew with samples whole")
            if not names:
                problems.error(path, None, _SAMPLES, "expected samples, found none: the log was not finished, or cut")
            log.check()
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
        log = _Log(path, options, content, Place(path, line, problems))
        samples = content.get("samples")
        if not isinstance(samples, list):
            problems.error(path, line, "samples", f"expected a list of samples, got {kind(samples)}")
            continue
        for number, sample in enumerate(samples, 1):
            yield from log.records(sample, Place(path, number, problems))
        log.check()


def _expected_samples(of_run: Mapping[str, Any]) -> int | None:
    """How many samples a run was to have, over all epochs; None where it does not say."""
    ids = as_mapping(of_run.get("dataset")).get("sample_ids")
    epochs = as_mapping(of_run.get("config")).get("epochs") or 1
    return len(ids) * epochs if isinstance(ids, list) and isinstance(epochs, int) else None
