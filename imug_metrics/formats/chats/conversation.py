# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A conversation to records: what every reader of chats rests on.

Each message of the user opens a turn; several in a row are one turn, unless two of them hold what is known of a turn.
All that the model and its tools give until the next one is the turn's output. A turn whose output holds an image is an
image turn, its text the caption, unless there is an answer key and an answer; of several images the last counts. Text
that a model wrote before a tool answered counts only where it wrote none after. Images of the user are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from imug_metrics.formats.chats.line_keys import IMAGES, MESSAGES, LineKeys
from imug_metrics.formats.chats.parts import ImagePart, Message, Part, read_messages, text_of
from imug_metrics.formats.chats.turn_fields import LineFields, guessed_dialogue, is_of_turn
from imug_metrics.formats.chats.turn_numbers import turn_field, turn_numbers
from imug_metrics.formats.common.answer_keys import read_key
from imug_metrics.formats.common.image_sources import ImageSources, has_image
from imug_metrics.formats.common.lone_turns import LoneTurns
from imug_metrics.formats.common.object_lists import read_objects
from imug_metrics.formats.common.place import Place
from imug_metrics.formats.protocol import ReadOptions, RecordAt
from imug_metrics.reading.files import MAX_TURN, Problems, as_turn, kind

_MARKDOWN = re.compile(r"!\[[^\]\n]{0,200}\]\([^)\s]{1,400}\)")


@dataclass
class _Turn:
    """The messages of one turn."""

    asked: list[Message] = field(default_factory=list)
    given: list[Message] = field(default_factory=list)

    @property
    def fields(self) -> list[tuple[str, Mapping[str, Any]]]:
        """What its messages hold, the user's first."""
        return [(message.where, message.fields) for message in (*self.asked, *self.given)]

    @property
    def prompt(self) -> str:
        """What the user wrote."""
        return "\n".join(text for message in self.asked if (text := text_of(message.parts)) is not None)

    @property
    def text(self) -> str | None:
        """What the model wrote: after the last answer of a tool, or before where there is nothing after."""
        before: list[str] = []
        after: list[str] = []
        for message in self.given:
            if message.role == "tool":
                before, after = before + after, []
            elif message.role == "assistant" and (text := text_of(message.parts)) is not None:
                after.append(text)
        texts = after if any(text.strip() for text in after) else before or after
        return "\n".join(texts) if texts else None

    @property
    def answered(self) -> bool:
        """Whether the model left anything."""
        return self.text is not None or bool(self.images)

    @property
    def images(self) -> list[ImagePart]:
        """What the model and its tools showed."""
        return [part for message in self.given for part in message.parts if isinstance(part, ImagePart)]


def messages_field(row: Mapping[str, Any], columns: Mapping[str, str]) -> str | None:
    """The field that holds a line's messages; None where it has none.

    Example:
        >>> messages_field({"conversations": []}, {}), messages_field({"chat": []}, {"messages": "chat"})
        ('conversations', 'chat')
    """
    names = (columns["messages"],) if "messages" in columns else MESSAGES
    return next((name for name in names if name in row), None)


def read_conversations(
    rows: Iterable[tuple[int, Mapping[str, Any]]],
    path: Path,
    options: ReadOptions,
    problems: Problems,
) -> Iterator[RecordAt]:
    """The records of all conversations of a file, and what only all of them together show.

    Args:
        rows: line and object of each conversation.
        path: the file.
        options: how it is read.
        problems: collects what is wrong.

    Raises:
        ArgumentError: of `columns`, if no line has a key that it names.
    """
    sources = ImageSources(options.images or path.parent)
    keys, lone = LineKeys(options.columns), LoneTurns()
    for line, row in rows:
        place = Place(path, line, problems)
        keys.look(row, messages_field(row, options.columns), place)
        guessed = guessed_dialogue(row, options.columns) if turn_field(row, options.columns) is not None else None
        for found in conversation_records(row, place, options, sources):
            if guessed is not None:
                lone.add(found.record.dialogue, found.record.turn, guessed)
            yield found
    keys.check(path)
    lone.check(path)


def conversation_records(
    row: Mapping[str, Any], place: Place, options: ReadOptions, sources: ImageSources
) -> Iterator[RecordAt]:
    """The records of one conversation, one a turn.

    Args:
        row: an object that holds messages, and what else is said of them.
        place: its line; collects what is wrong.
        options: how it is read.
        sources: finds its images.

    Example:
        >>> from imug_metrics.reading.files import Problems
        >>> said = [{"role": "user", "content": "Which? A. red B. blue", "target": "B"},
        ...         {"role": "assistant", "content": "(B)"}, {"role": "user", "content": "Draw it."}]
        >>> place = Place(Path("chat.jsonl"), 1, Problems())
        >>> for found in conversation_records({"id": 7, "messages": said}, place, ReadOptions(), ImageSources(None)):
        ...     print(found.record.dialogue, found.record.turn, found.record.prompt, found.record.text)
        7 1 Which? A. red B. blue (B)
        7 2 Draw it. None
        >>> print(*place.problems)
        chat.jsonl:1: messages[2]: expected an answer, found none: it counts as absent
    """
    name = messages_field(row, options.columns)
    if name is None:
        place.error(options.columns.get("messages", "messages"), "expected a list of messages, found none")
        return None
    images = _line_images(row, options.columns, place)
    messages = read_messages(row[name], name, place, marked=bool(images))
    if messages is None:
        return
    turns = _turns(_filled(messages, images, place), place)
    if not turns:
        place.error(name, "expected a message of the user, found none")
        return None
    if len(turns) > MAX_TURN:
        place.error(name, f"expected at most {MAX_TURN} turns, got {len(turns)}")
        return None
    numbers = turn_numbers(row, [(*turn.asked, *turn.given) for turn in turns], options.columns, place)
    if numbers is None:
        return None
    turns = turns[-len(numbers) :]
    keys = frozenset(row).union(*(message.fields for message in messages))
    line = LineFields(row, options.columns, len(turns), place, keys)
    said = row.get("attempted")
    beside = line.answer(None, len(turns), turns[-1].fields)
    attempted = said if isinstance(said, bool) else beside is not None or any(turn.answered for turn in turns)
    yield from _Records(line, sources, numbers, attempted=attempted).read(turns)


class _Records:
    """Makes the records of a line's turns."""

    def __init__(self, line: LineFields, sources: ImageSources, numbers: Sequence[int], *, attempted: bool) -> None:
        self.line, self.sources, self.attempted, self.place = line, sources, attempted, line.place
        self.numbers = numbers

    def read(self, turns: Sequence[_Turn]) -> Iterator[RecordAt]:
        file, number = self.place.file.name, self.place.line
        dialogue = self.line.dialogue()
        if dialogue is None and len(turns) == 1 and self.numbers[0] != 1:
            self.place.error("dialogue", f"expected the id of the dialogue whose turn {self.numbers[0]} this is")
            return
        dialogue = dialogue or (file if number is None else f"{file}:{number}")
        model = self.line.name("model")
        for count, turn in enumerate(turns, 1):
            named = {"dialogue": dialogue, "turn": self.numbers[count - 1], "attempted": self.attempted}
            fields = {**named, **self._output(turn, count), **self._beside(turn, count)}
            record = self.place.make_record(fields, turn.asked[0].where)
            if record is not None:
                yield RecordAt(record, number, model)

    def _output(self, turn: _Turn, count: int) -> dict[str, Any]:
        """What was asked and what came of it."""
        images, where = turn.images, turn.asked[0].where
        text = self.line.answer(turn.text, count, turn.fields)
        fields = {name: self.line.find(name, count, turn.fields) for name in ("target", "options")}
        answered = fields["target"][0] is not None and text is not None  # a key asks for text
        said = self.line.modality(count, turn.fields)
        modality = said or ("image" if images and not answered else "text")
        prompt = turn.prompt
        found: dict[str, Any] = {"modality": modality, "prompt": prompt, "text": text}
        asked = fields["target"][0], fields["options"][0], prompt if modality == "text" else ""
        found["target"], found["options"] = read_key(*asked, self.place, {name: at for name, (_, at) in fields.items()})
        if modality == "image":
            if not images:
                self.place.error(where, "expected an image, found none: it counts as absent")
            return {**found, "image": self._image(images)}
        if images:
            self.place.warn(images[0].where, "an image at a turn that asks for text is not scored")
            found["image"] = self._image(images)
        elif text is not None and "![" in text and _MARKDOWN.search(text):
            cure = "put it into a part or `images`"
            self.place.warn(where, f"the answer names an image in Markdown, which is not read: {cure}")
        if text is None:
            self.place.error(where, "expected an answer, found none: it counts as absent")
        return found

    def _image(self, images: Sequence[ImagePart]) -> Path | bytes | None:
        """The image of an output, of several the last."""
        if not images:
            return None
        if len(images) > 1:
            self.place.warn(images[0].where, f"{len(images)} images in one output: the last counts")
        if images[-1].value is None:
            self.place.error(images[-1].where, "expected an image, found none that stands for it")
            return None
        return self.sources.find(images[-1].value, self.place, images[-1].where)

    def _beside(self, turn: _Turn, count: int) -> dict[str, Any]:
        """What the line and its messages say of a turn."""
        fields = turn.fields
        found: dict[str, Any] = {
            "scores": self.line.numbers("scores", count, fields),
            "costs": self.line.costs(count, fields),
            "links": self._links(count, fields),
            "groups": self.line.groups(count, fields),
            "subject": self.line.as_name(*self.line.find("subject", count, fields)),
        }
        for name in ("objects", "target_objects"):
            found[name] = read_objects(*self.line.find(name, count, fields), self.place)
        for name in ("reference", "mask"):
            value, where = self.line.find(name, count, fields)
            found[name] = self.sources.find(value, self.place, where) if has_image(value) else None
        return found

    def _links(self, count: int, fields: Sequence[tuple[str, Mapping[str, Any]]]) -> tuple[int, ...]:
        """Earlier turns whose image this one should agree with."""
        value, where = self.line.find("links", count, fields)
        entries = value if isinstance(value, list) else [] if value is None else [value]
        turns = [as_turn(entry) for entry in entries]
        found = tuple(dict.fromkeys(turn for turn in turns if turn is not None and turn < self.numbers[count - 1]))
        if len(found) < len(entries):
            got = ", ".join(str(entry)[:20] for entry in entries[:10])
            self.place.error(where, f"expected earlier turns, each once, got {got}")
        return found


def _turns(messages: Sequence[Message], place: Place) -> list[_Turn]:
    """The messages by turn; what a model says before the first message of the user is told and left out."""
    turns: list[_Turn] = []
    in_a_row = False
    for message in messages:
        if message.role == "user":
            if not turns or turns[-1].given or (is_of_turn(message.fields) and is_of_turn(turns[-1].asked[-1].fields)):
                turns.append(_Turn())
            elif not in_a_row:
                in_a_row = True
                place.warn(message.where, "messages of the user in a row are read as one turn")
            turns[-1].asked.append(message)
        elif message.role in ("assistant", "tool", "call") and turns:
            turns[-1].given.append(message)
        elif message.role != "system":
            place.warn(message.where, "comes before the first message of the user: it is no turn, and is left out")
    return turns


def _filled(messages: list[Message], images: Sequence[ImagePart], place: Place) -> list[Message]:
    """Messages with the line's images where they belong; with none of them where that is not certain."""
    gaps = sum(_is_gap(part) for message in messages for part in message.parts)
    if images and gaps != len(images):
        found = f"{len(images)} images and {gaps} places for them in the messages: the images are not read"
        told = place.error if gaps else place.warn
        told(images[0].where.partition("[")[0], f"expected as many of both, got {found}")
        return messages
    left = iter(images)
    return [
        replace(message, parts=tuple(next(left, part) if _is_gap(part) else part for part in message.parts))
        for message in messages
    ]


def _is_gap(part: Part) -> bool:
    return isinstance(part, ImagePart) and part.value is None


def _line_images(row: Mapping[str, Any], columns: Mapping[str, str], place: Place) -> list[ImagePart]:
    """The images that a line has beside its messages, in their order."""
    names = (columns["images"],) if "images" in columns else IMAGES
    name = next((name for name in names if has_image(row.get(name)) and row[name] != []), None)
    if name is None:
        return []
    value = row[name]
    if isinstance(value, list):
        return [ImagePart(entry, f"{name}[{number}]") for number, entry in enumerate(value)]
    if isinstance(value, (str, bytes, Mapping)):
        return [ImagePart(value, name)]
    place.error(name, f"expected images, got {kind(value)}")
    return []
