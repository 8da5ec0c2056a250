# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A sample of Inspect to records, of a log or of a run that goes on: a whole dialogue or one turn of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from imug_metrics.formats.chats.conversation import conversation_records
from imug_metrics.formats.common.image_sources import ImageSources
from imug_metrics.formats.common.mappings import as_mapping
from imug_metrics.formats.common.place import Place
from imug_metrics.formats.protocol import ReadOptions, RecordAt
from imug_metrics.formats.tables.columns import names_turn
from imug_metrics.formats.tables.rows import as_number, read_turn, shown
from imug_metrics.reading.files import kind

SCORED = "imug_metrics"
"""Under this name the metadata of a score hold the records that it is made of, which a reader scores anew."""

_ATTACHMENT = "attachment://"
_NOT_LOGGED = "<base64-data-removed>"
_VERDICTS = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}  # correct, partly, incorrect, no answer
_DIALOGUE = ("dialogue", "dialogue_id", "conversation_id", "session_id", "session", "conversation")
# What a sample's metadata may say of a record; its key, options and scores are fields of the sample itself.
_FROM_METADATA = frozenset(
    (
        *(*_DIALOGUE, "modality", "output_modality", "links", "reference_image", "mask", "subject", "subject_id"),
        *("class", "domain", "subdomain", "difficulty", "groups", "costs", "objects", "target_objects"),
    )
)
_FROM_MESSAGE = _FROM_METADATA.union({"target", "options", "choices", "score", "scores"})


def sample_records(
    sample: Mapping[str, Any], place: Place, options: ReadOptions, sources: ImageSources, *, model: str | None = None
) -> Iterator[RecordAt]:
    """The records of a sample, see `conversation_records`: all of one epoch.

    Args:
        sample: as a log holds it, its attachments in it or in their places.
        place: where it is; collects what is wrong.
        options: how it is read.
        sources: finds its images.
        model: whose tokens are counted.

    Example:
        >>> from pathlib import Path
        >>> from imug_metrics.reading.files import Problems
        >>> said = [{"role": "user", "content": "Which?"}, {"role": "assistant", "content": "B"}]
        >>> sample = {"id": 7, "messages": said, "target": "B", "metadata": {"dialogue": "a", "turn": 2}}
        >>> place = Place(Path("log.json"), 1, Problems())
        >>> [found] = sample_records(sample, place, ReadOptions(), ImageSources(None))
        >>> found.record.dialogue, found.record.turn, found.record.text, found.record.target
        ('a', 2, 'B', 'B')
    """
    metadata = as_mapping(sample.get("metadata"))
    column = turn_column(metadata, options.columns)
    turn = None if column is None else read_turn(metadata[column], f"metadata.{column}", place)
    messages = _messages(sample, place)
    if messages is None or (column is not None and turn is None):
        return
    if column is not None:
        messages = _last_turn(messages)
    row = _row(sample, metadata, options, place, model)
    whole = column is None and names_dialogue(metadata, options.columns)
    row["messages"] = _with_keys(messages, _known(sample, place), place, whole=whole)
    if turn is not None:
        row[options.columns.get("turn", "turn")] = turn
    yield from conversation_records(row, place, options, sources)


def turn_column(metadata: Mapping[str, Any], columns: Mapping[str, str]) -> str | None:
    """The field of a sample's metadata that names its turn; None where there is none."""
    if "turn" in columns:
        return columns["turn"] if columns["turn"] in metadata else None
    if "turn" in metadata:
        return "turn"
    return next((name for name in metadata if names_turn([name])), None)


def names_dialogue(metadata: Mapping[str, Any], columns: Mapping[str, str]) -> bool:
    """Whether a sample's metadata name its dialogue, or the caller says that its id does."""
    names = (columns["dialogue"],) if "dialogue" in columns else _DIALOGUE
    return columns.get("dialogue") == "id" or any(metadata.get(name) is not None for name in names)


def score_values(score: Any, name: str, place: Place) -> dict[str, float]:
    """The values of a score by name: one, or one for each of its entries, as `name.entry`.

    Args:
        score: as a log holds it.
        name: of the score.
        place: of its sample; collects what is no number and no verdict, which is NaN.
    """
    value = as_mapping(score).get("value")
    several = value.items() if isinstance(value, Mapping) else [(None, value)]
    found = {}
    for part, entry in several:
        number = _VERDICTS.get(entry) if isinstance(entry, str) else None
        number = as_number(entry) if number is None else number
        if number is None:
            place.error(f"scores.{name[:80]}", f"expected a finite number, or C, P, I or N, got {shown(entry)}")
        found[name if part is None else f"{name}.{part}"] = math.nan if number is None else number
    return found


def _row(
    sample: Mapping[str, Any], metadata: Mapping[str, Any], options: ReadOptions, place: Place, model: str | None
) -> dict[str, Any]:
    """What a sample says beside its messages."""
    own = {*options.columns.values()}
    row = {name: value for name, value in metadata.items() if name in _FROM_METADATA or name in own}
    tokens = as_mapping(as_mapping(sample.get("model_usage")).get(model or ""))
    usage = {"usage": {"output_tokens": tokens.get("output_tokens")}} if tokens else {}
    number = sample.get("id")
    return {"id": number if isinstance(number, (str, int)) else None, **row, **usage}


def _known(sample: Mapping[str, Any], place: Place) -> dict[str, Any]:
    """What a sample knows of its last turn: key, options and scores; a key of its own for each turn is a list."""
    scores = {
        name: value
        for scorer, score in as_mapping(sample.get("scores")).items()
        if SCORED not in as_mapping(as_mapping(score).get("metadata"))
        for name, value in score_values(score, str(scorer), place).items()
    }
    target = sample.get("target")
    target = target[0] if isinstance(target, list) and len(target) == 1 else target
    given = {"target": target, "choices": sample.get("choices"), "scores": scores}
    return {name: value for name, value in given.items() if value}


def _with_keys(
    messages: list[dict[str, Any]], known: dict[str, Any], place: Place, *, whole: bool
) -> list[dict[str, Any]]:
    """The messages with what is known of the last turn, and where the sample has a key for each turn, with those.

    Keys beyond the last turn are of turns that the run did not come to: they are there, and absent.
    """
    opening = [n for n, message in enumerate(messages) if message["role"] == "user"]
    keys = known.get("target")
    if isinstance(keys, list) and (whole or len(keys) == len(opening) > 1):
        known = {name: value for name, value in known.items() if name != "target"}
        missed = [{"role": "user", "content": "", "target": key} for key in keys[len(opening) :]]
        if missed:
            place.error(
                "target", f"expected {len(keys)} turns, one for each key, got {len(opening)}: others are absent"
            )
        of_turn = {n: {"target": key} for n, key in zip(opening, keys)}
        messages = [{**of_turn.get(n, {}), **message} for n, message in enumerate(messages)] + missed
    last = max((n for n, message in enumerate(messages) if message["role"] == "user"), default=None)
    return [{**known, **message} if n == last else message for n, message in enumerate(messages)]


def _messages(sample: Mapping[str, Any], place: Place) -> list[dict[str, Any]] | None:
    """The messages of a sample and its output; attachments are put in, and their metadata laid open."""
    messages = sample.get("messages")
    if not messages:
        said = sample.get("input")
        messages = said if isinstance(said, list) else [{"role": "user", "content": said}]
    if not isinstance(messages, list):
        place.error("messages", f"expected a list, got {kind(messages)}")
        return None
    attached = as_mapping(sample.get("attachments"))
    found = []
    for number, message in enumerate(_with_output(messages, sample.get("output"))):
        if not isinstance(message, Mapping):
            place.error(f"messages[{number}]", f"expected a message, got {kind(message)}")
            return None
        said = {name: value for name, value in as_mapping(message.get("metadata")).items() if name in _FROM_MESSAGE}
        content = _attached(message.get("content"), attached, place)
        found.append({**said, "role": message.get("role"), "content": content})
    return found


def _with_output(messages: Sequence[Any], output: Any) -> Sequence[Any]:
    """The messages, with the output in place of what the model said last where a solver wrote it beside them."""
    choices = as_mapping(output).get("choices")
    said = as_mapping(as_mapping(choices[0]).get("message")) if isinstance(choices, list) and choices else {}
    if not said.get("content") or any(_same(message, said) for message in messages):
        return messages
    answered = bool(messages) and as_mapping(messages[-1]).get("role") == "assistant"
    return [*(messages[:-1] if answered else messages), said]


def _same(message: Any, said: Mapping[str, Any]) -> bool:
    """Whether a message is what was said."""
    given = as_mapping(message)
    if given.get("id") and said.get("id"):
        return bool(given["id"] == said["id"])
    return given.get("role") == "assistant" and given.get("content") == said["content"]


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
        if value.get("image") == _NOT_LOGGED:
            place.error("messages", "expected an image, found none: the run was told not to log images")
            return {**value, "image": None}
        return {
            name: _attached(entry, attached, place) if name in ("text", "image") else entry
            for name, entry in value.items()
        }
    return value


def _last_turn(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The last message of the user, or the run of them, and what follows."""
    begin = max((n for n, message in enumerate(messages) if message["role"] == "user"), default=0)
    while begin > 0 and messages[begin - 1]["role"] == "user":
        begin -= 1
    return messages[begin:]
