# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Which column holds which field of a record: as the caller named it, or by its usual name where that is certain."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from string import ascii_lowercase

from imug_metrics.errors import ArgumentError
from imug_metrics.formats.common.usual_names import USUAL
from imug_metrics.reading.fields import meant, plain_name
from imug_metrics.reading.files import Problems, as_turn

SAMPLE = ("domain", "subdomain", "sample_id")
"""What names a dialogue together, where no other column does."""

_PREFIXES = {f"{name}{end}.": f"{name}." for name in ("score", "cost", "group") for end in ("", "s")}
_LETTER = re.compile("(?:option|choice|opt)?([a-z])")
_LISTED = 40


@dataclass(frozen=True)
class Columns:
    """The columns of a table by what they hold.

    Attributes:
        of: the column by field of a record, or by `score.NAME`, `cost.NAME` or `group.NAME`.
        dialogue: columns that name the dialogue together.
        turn: the turn of every row, where it was named as a number in place of a column; else None.
        guessed: fields whose column may as well hold something else.
        names: of all columns.
        letters: of options that have a column each, from A on: the letter and the column.

    Example:
        >>> found = find_columns(["id", "Turn", "question", "answer", "prediction"], {}, Path("mine.csv"))
        >>> found.dialogue, found.of["turn"], found.of["text"], found.of["target"]
        (('id',), 'Turn', 'prediction', 'answer')
    """

    of: Mapping[str, str]
    dialogue: tuple[str, ...]
    turn: int | None = None
    guessed: frozenset[str] = frozenset()
    names: tuple[str, ...] = field(default=(), repr=False)
    letters: tuple[tuple[str, str], ...] = ()


def find_columns(
    names: Collection[str],
    given: Mapping[str, str],
    path: Path,
    *,
    usual: Mapping[str, tuple[tuple[str, ...], ...]] = USUAL,
) -> Columns:
    """Find what each column holds.

    `answer` is what the model answered, or the key where another column holds that and none the key. `reference` is an
    image where there are images, else the key.

    Args:
        names: of all columns.
        given: the columns that the caller has named, see `ReadOptions`; a number for `turn` is the turn of every row.
        path: the file, for messages.
        usual: names of columns by field, the surest first.

    Raises:
        ArgumentError: of `columns`, if one that was named is not there, if a field may be in several, or if there is no
            dialogue, no turn, or among the usual fields nothing to score.
    """
    names = tuple(dict.fromkeys(name for name in names if name))
    found, turn = _named(names, given, path)
    guessed = set()
    for prefix, kind in _PREFIXES.items():
        for name in names:
            if name.startswith(prefix) and len(name) > len(prefix):
                found.setdefault(kind + name[len(prefix) :], name)
    for field_, ranks in usual.items():
        if field_ in found or (field_ == "turn" and turn is not None):
            continue
        rank, column = _unambiguous(field_, ranks, names, found.values(), path)
        if column is not None:
            found[field_] = column
            if field_ in ("image", "dialogue") and rank == len(ranks) - 1:
                guessed.add(field_)
    _add_answer(found, names)
    dialogue = _dialogue(found, names, guessed)
    letters = () if "options" in found else _letters(names, found.values())
    columns = Columns(found, dialogue, turn, frozenset(guessed), names, letters)
    _check_places(columns, path)
    if usual is USUAL:
        _check_outputs(columns, path)
    return columns


def names_turn(names: Iterable[str]) -> bool:
    """Whether one of these is a usual name of the turn.

    Example:
        >>> names_turn(["id", "Turn ID"]), names_turn(["id", "question"])
        (True, False)
    """
    usual = {plain_name(name) for rank in USUAL["turn"] for name in rank}
    return any(plain_name(name) in usual for name in names)


def warn_of_misspelled(columns: Columns, file: Path, line: int | None, problems: Problems) -> None:
    """Tell of columns that are not read and whose names are nearly those of fields that no column holds."""
    read = {*columns.of.values(), *columns.dialogue, *(name for _, name in columns.letters)}
    absent = {
        plain_name(name): name
        for field_, ranks in USUAL.items()
        if field_ not in columns.of
        for rank in ranks
        for name in rank
    }
    for name in columns.names:
        close = (
            []
            if name in read or plain_name(name) in absent
            else difflib.get_close_matches(plain_name(name), absent, 1, 0.85)
        )
        if close:
            problems.warn(file, line, name[:80], f"unknown column, is not read; did you mean `{absent[close[0]]}`?")


def listed(names: Iterable[str]) -> str:
    """Names for a message."""
    names = [*names]
    return ", ".join(name[:40] for name in names[:_LISTED]) + (", ..." if len(names) > _LISTED else "")


def _named(names: tuple[str, ...], given: Mapping[str, str], path: Path) -> tuple[dict[str, str], int | None]:
    """The columns that were named, and the turn, where a number was."""
    found = dict(given)
    turn = None
    for field_, column in given.items():
        if column in names or ("." in column and column.partition(".")[0] in names):
            continue
        if field_ == "turn" and as_turn(column) is not None:
            turn = as_turn(found.pop("turn"))
            continue
        raise ArgumentError(
            "columns", f"{path} has no column {column!r}{meant(column, names)}; its columns are {listed(names)}"
        )
    return found, turn


def _unambiguous(
    field_: str, ranks: tuple[tuple[str, ...], ...], names: tuple[str, ...], taken: Collection[str], path: Path
) -> tuple[int, str | None]:
    """The column of a field, and how sure its name is; None where there is none."""
    for rank, usual in enumerate(ranks):
        plain = {plain_name(name) for name in usual}
        fitting = [name for name in names if plain_name(name) in plain and name not in taken]
        if len(fitting) > 1:
            both = " and ".join(f"`{name[:40]}`" for name in fitting[:4])
            raise ArgumentError(
                "columns", f"{path}: {both} may be the {field_}; name one of them, as in {field_}={fitting[0][:40]}"
            )
        if fitting:
            return rank, fitting[0]
    return 0, None


def _add_answer(found: dict[str, str], names: tuple[str, ...]) -> None:
    """Columns whose names mean one thing or another, by what else there is."""
    free = {plain_name(name): name for name in reversed(names) if name not in found.values()}
    if (answer := free.get("answer")) is not None:
        if "text" not in found:
            found["text"] = answer
        elif "target" not in found:
            found["target"] = answer
    if (reference := free.get("reference")) is not None:
        if "image" in found:
            found.setdefault("reference", reference)
        else:
            found.setdefault("target", reference)


def _letters(names: tuple[str, ...], taken: Collection[str]) -> tuple[tuple[str, str], ...]:
    """The columns of options, two or more: A, B, ..., or `option_a`, `choice_b` and the like."""
    plain = {match[1]: name for name in names if name not in taken and (match := _LETTER.fullmatch(plain_name(name)))}
    found = [*takewhile(lambda letter: letter in plain, ascii_lowercase)]
    return tuple((letter.upper(), plain[letter]) for letter in found) if len(found) > 1 else ()


def _dialogue(found: dict[str, str], names: tuple[str, ...], guessed: set[str]) -> tuple[str, ...]:
    """The columns that name the dialogue; a sample's number alone does not where samples are numbered by domain."""
    plain = {plain_name(name): name for name in names}
    sample = tuple(plain[plain_name(name)] for name in SAMPLE if plain_name(name) in plain)
    if len(sample) == len(SAMPLE) and found.get("dialogue", sample[-1]) == sample[-1]:
        guessed.discard("dialogue")
        return sample
    return (found["dialogue"],) if "dialogue" in found else ()


def _check_places(columns: Columns, path: Path) -> None:
    """Raise unless dialogue and turn are known."""
    has = f"its columns are {listed(columns.names)}"
    if not columns.dialogue:
        raise ArgumentError("columns", f"{path}: no column names the dialogue; {has}: name it, as in dialogue=id")
    if columns.turn is None and "turn" not in columns.of:
        cure = "name it, as in turn=t, or say turn=1 if each row is a dialogue of its own"
        raise ArgumentError("columns", f"{path}: no column holds the turn; {has}: {cure}")


def _check_outputs(columns: Columns, path: Path) -> None:
    """Raise unless there is something to score."""
    has = f"its columns are {listed(columns.names)}"
    if not any(name in ("text", "image", "score", "scores") or name.startswith("score.") for name in columns.of):
        cure = "name it, as in text=reply, image=file, score=s or score.clip=c"
        raise ArgumentError("columns", f"{path}: no column holds an answer, an image or a score; {has}: {cure}")
