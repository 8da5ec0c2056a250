# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Files of checklist items: one yes/no question a row."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from imug_metrics.checklists import ChecklistItem
from imug_metrics.errors import ArgumentError
from imug_metrics.formats.common.place import Place
from imug_metrics.formats.tables.columns import listed
from imug_metrics.formats.tables.row_files import open_rows
from imug_metrics.formats.tables.rows import as_id, as_number, as_text, cell
from imug_metrics.reading.fields import plain_name
from imug_metrics.reading.files import Problems, as_turn
from imug_metrics.reading.verdict_words import logged_verdict

NAMES: Mapping[str, tuple[str, ...]] = {
    "question": ("question", "item", "specification", "check"),
    "id": ("id", "item_id", "number"),
    "dialogue": ("dialogue", "dialogue_id", "sample_id", "conversation_id", "sample"),
    "turn": ("turn", "turn_id", "round"),
    "expected": ("expected", "expected_answer"),
    "weight": ("weight", "score"),
    "category": ("category",),
    "persists": ("persists", "keeps", "kept"),
}
"""Under which names files hold the fields of an item; case and everything but letters and digits do not matter."""

_LONGEST = 2000


def read_checklist(file: Path, problems: Problems) -> list[ChecklistItem]:
    """The items of a file.

    Args:
        file: a table: JSON lines, CSV, TSV or a workbook. Each row has a `question`; the rest is optional: `id` (else
            its number), `dialogue` and `turn` (else it is asked about every output), `expected` (else yes), `weight`
            (else 1), `category`, and `persists`: whether it is asked again at the later turns.
        problems: collects what is wrong; a row that cannot be read is left out.

    Raises:
        ArgumentError: if no column holds the question, or no row can be read.
    """
    names, rows = open_rows(file, problems)
    columns = _columns(names)
    if names and "question" not in columns:
        message = f"{file}: no column holds the question; its columns are {listed(names)}"
        raise ArgumentError("checklist", message)
    found: dict[tuple[str | None, str], tuple[Place, ChecklistItem]] = {}
    for line, row in rows:
        place = Place(file, line, problems)
        item = _item(row, columns, place, str(len(found) + 1))
        if item is None:
            continue
        if (item.dialogue, item.id) in found:
            place.error("id", f"expected one item {item.id[:60]!r} a dialogue; the first counts")
        found.setdefault((item.dialogue, item.id), (place, item))
    if not found:
        raise ArgumentError("checklist", f"expected items, found none in {file}{problems.first_error(file)}")
    return [item for place, item in found.values() if not _is_everywhere(item, found, place)]


def _is_everywhere(item: ChecklistItem, found: Collection[tuple[str | None, str]], place: Place) -> bool:
    """Whether an item of one dialogue has the id of one of every dialogue: their answers could not be told apart."""
    if item.dialogue is None or (None, item.id) not in found:
        return False
    place.error("id", f"expected another id than {item.id[:60]!r}, that of an item of every dialogue, which counts")
    return True


def _columns(names: tuple[str, ...]) -> dict[str, str]:
    plain = {plain_name(name): name for name in reversed(names)}
    found = {}
    for field, usual in NAMES.items():
        held = next((plain[plain_name(name)] for name in usual if plain_name(name) in plain), None)
        if held is not None:
            found[field] = held
    return found


def _item(row: Mapping[str, Any], columns: Mapping[str, str], place: Place, number: str) -> ChecklistItem | None:
    def held(field: str) -> Any:
        return cell(row, columns[field]) if field in columns else None

    question = (as_text(held("question")) or "").strip()
    if not question or len(question) > _LONGEST:
        place.error(columns["question"], f"expected a question of at most {_LONGEST} characters")
        return None
    turn = held("turn")
    if turn is not None and as_turn(turn) is None:
        place.error(columns["turn"], f"expected a turn from 1, got {str(turn)[:80]!r}")
        return None
    weight = held("weight")
    number_ = 1.0 if weight is None else as_number(weight)
    if number_ is None or not 0 <= number_ < float("inf"):
        place.error(columns["weight"], f"expected a number from 0, got {str(weight)[:80]!r}")
        return None
    try:
        expected, persists = (logged_verdict(held(field)) for field in ("expected", "persists"))
    except ValueError as error:
        place.error("expected", str(error))
        return None
    return ChecklistItem(
        as_id(held("id")) or number,
        question,
        expected != 0,
        number_,
        as_id(held("category")),
        as_id(held("dialogue")),
        as_turn(turn),
        persists == 1,
    )
