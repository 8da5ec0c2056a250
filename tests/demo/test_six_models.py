# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Six models that look better than they are: none leads a table, a rank or a sentence without a mark beside it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from imug_metrics import AnswerAccuracy, Sycophancy, TurnOfFlip, compare
from imug_metrics.demo.dialogues import LETTERS
from imug_metrics.encoders import load_encoder
from imug_metrics.encoders.cache import CachedEncoder
from imug_metrics.evaluation import Comparison, Evaluation
from imug_metrics.evaluation.model_result import ModelResult
from imug_metrics.metrics.options import LEAST_COVERAGE
from imug_metrics.report import find
from imug_metrics.report.marks import marks
from imug_metrics.report.metric_specs import METRICS
from imug_metrics.report.tables.table import Cell
from imug_metrics.report.tables.text import first_line
from imug_metrics.report.terminal_tables import score_tables
from imug_metrics.suite import ModelScores, Record, score_records
from tests.demo.dishonest import DISHONEST, HONEST, all_records
from tests.report.page_reader import written

SIGNS = set("!≈=")
LOWER_IS_BETTER = {view.label for view in METRICS if view.higher_is_better is False}


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Record]]:
    return all_records(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="module")
def scored(records: dict[str, list[Record]]) -> dict[str, ModelScores]:
    encoder = CachedEncoder(load_encoder("scene"))
    return {name: score_records(found, model=name, encoder=encoder) for name, found in records.items()}


CASTS = {name: (HONEST, name) for name in DISHONEST} | {"all": (HONEST, *DISHONEST)}


@pytest.fixture(params=CASTS)
def cast(request: pytest.FixtureRequest, scored: dict[str, ModelScores]) -> list[ModelScores]:
    """One of the six beside the honest model, and all of them together."""
    return [scored[name] for name in CASTS[request.param]]


def value(text: str) -> float:
    found = re.search(r"[−+]?\d+(\.\d+)?", text)
    return float(found[0].replace("−", "-")) if found else math.nan


def is_marked(texts: list[str]) -> bool:
    return any(SIGNS & set(text) for text in texts)


def unmarked_leads(
    rows: list[tuple[str, list[str]]], columns: list[str], *, changes: bool = False
) -> list[tuple[str, str]]:
    """Who of the six has the one best value of a column, without a mark in its row.

    Nobody leads a column of changes of which none is told from 0: all of them say "none seen".
    """
    found = []
    for place, column in enumerate(columns):
        if changes and not any({"▲", "▼"} & set(cells[place]) for _, cells in rows):
            continue
        sign = -1 if column in LOWER_IS_BETTER else 1
        ranked = sorted(
            (sign * value(cells[place]), name) for name, cells in rows if not math.isnan(value(cells[place]))
        )
        if not ranked or (len(ranked) > 1 and ranked[-1][0] == ranked[-2][0]):
            continue
        first = ranked[-1][1]
        if first != HONEST and not is_marked(dict(rows)[first]):
            found.append((first, column))
    return found


def test_the_six_do_look_better_somewhere(scored: dict[str, ModelScores]) -> None:
    def ahead(name: str, key: str) -> bool:
        return scored[name].scores[key] > scored[HONEST].scores[key]

    assert 0.8 < scored[HONEST].scores["answer_accuracy"] < 0.95
    assert all(ahead(name, "answer_accuracy") for name in ("quitter", "skipper", "silent-sycophant"))
    assert all(ahead(name, "turn_consistency") for name in ("copier", "one-image"))
    assert ahead("coin-flipper", "turn_alignment_slope"), "what is nothing at first cannot fall"
    assert scored["coin-flipper"].scores["turn_alignment_slope_lower"] > 0


def test_none_leads_a_column_of_the_scores_unmarked(cast: list[ModelScores]) -> None:
    for table in score_tables(cast):
        if all(cell.model is None for row in table.rows for cell in row):
            continue  # a column a model: figures of failures, of which none leads
        for group in table.groups:
            found = [_leading(row) for row in group]
            changes = table.title == "Change per turn"
            assert unmarked_leads(found, _metrics_of(group[0], table.header), changes=changes) == [], table.title


def test_a_mark_is_explained_below_the_scores(cast: list[ModelScores]) -> None:
    for table in score_tables(cast)[:2]:
        for row in table.rows:
            name = next(cell.content for cell in row if cell.model is not None)
            for sign in {mark.sign for cell in row[:-1] if cell.model is None for mark in cell.marks}:
                of_score = any(sign in line and "of the score itself" in line for line in table.caption)
                assert of_score or any(line.startswith(f"{sign}  {name}, ") for line in table.caption)


def test_none_is_alone_in_the_first_rank_unmarked(cast: list[ModelScores]) -> None:
    whole = Evaluation(tuple(ModelResult(model) for model in cast))
    for given in (whole, {model.model: model.items for model in cast}):
        found = compare(given, slopes=True, replicates=500)
        assert _unmarked_firsts(found) == []
        assert all(_is_told(row) for row in found.tables()[0].rows)


def _unmarked_firsts(found: Comparison) -> list[tuple[str, str]]:
    ranks = found.tables()[1]
    return [
        (row[0].text, heading)
        for row in ranks.rows
        for heading, cell in zip(ranks.header[1:], row[1:], strict=True)
        if cell.text == "1" and row[0].text != HONEST and not cell.marks
    ]


def _is_told(row: list[Cell]) -> bool:
    """Whether a row does not put one of the six ahead of the honest model without a sign by its name."""
    first, second, difference = row[1:4]
    if difference.tone != "bold" or first.content != HONEST:
        return True
    honest_is_ahead = (value(difference.text) < 0) == (row[0].value in LOWER_IS_BETTER)
    return honest_is_ahead or bool(second.marks)


def _metrics_of(row: Sequence[Cell], header: Sequence[str]) -> list[str]:
    """Which metric each number of a row is of: the row's own, where it names one, or its column's."""
    own = None if row[0].model is not None else str(row[0].value)
    return [own or heading for cell, heading in zip(row, header, strict=True) if isinstance(cell.value, float)]


def _leading(row: Sequence[Cell]) -> tuple[str, list[str]]:
    """Who a row is of, and its numbers with their signs; a mark of the model counts in each."""
    name = next(cell for cell in row if cell.model is not None)
    signs = "".join(mark.sign for mark in name.marks)
    numbers = [cell for cell in row if isinstance(cell.value, float)]
    return str(name.content), [f"{first_line(cell)} {signs}" for cell in numbers]


def test_none_is_said_to_lead(cast: list[ModelScores]) -> None:
    found = find(cast)
    leaders = [finding.model for finding in found if "leads in" in finding.text]
    assert set(leaders) <= {HONEST}
    warned = {finding.model for finding in found if finding.tone == "warn"}
    assert warned == {model.model for model in cast} - {HONEST}, "each of the six is called out, and the honest one not"


def test_what_the_tables_mark_is_marked_on_the_page(cast: list[ModelScores], tmp_path: Path) -> None:
    page = written(cast, tmp_path)
    for section, table in zip(("scores", "decay"), score_tables(cast), strict=False):
        shown = page.rows(section, table.title)[1:]
        for cells, row in zip(shown, table.rows, strict=True):
            for text, cell in zip(cells, row, strict=True):
                assert {mark.sign for mark in cell.marks} == SIGNS & set(text.split()), cells
    ranks = page.rows("differences", "Ranks")[1:]
    firsts = [(cells[0], cell) for cells in ranks for cell in cells[1:] if cell.split()[0] == "1"]
    assert [first for first in firsts if first[0].split()[0] != HONEST and not is_marked([*first])] == []


def test_every_kind_of_mark_is_given_for_its_own_reason(scored: dict[str, ModelScores]) -> None:
    kinds = {
        name: {(view.key, mark.kind) for view in METRICS for mark in marks(model, view)}
        for name, model in scored.items()
    }
    assert kinds[HONEST] == set()
    assert {("answer_accuracy", "coverage"), ("turn_alignment", "coverage")} <= kinds["quitter"] & kinds["skipper"]
    assert {("answer_accuracy", "chance"), ("turn_retrieval", "chance")} <= kinds["coin-flipper"]
    assert kinds["copier"] == kinds["one-image"] == {("turn_consistency", "copies"), ("turn_retrieval", "chance")}
    assert kinds["silent-sycophant"] == {("answer_accuracy", "coverage"), ("answer_accuracy_imug", "coverage")}


def answers(records: list[Record]) -> list[Record]:
    return [record for record in records if record.modality == "text"]


@pytest.mark.parametrize("name", ["quitter", "skipper", "silent-sycophant"])
def test_who_left_answers_out_leads_from_states_alone_with_a_mark(records: dict[str, list[Record]], name: str) -> None:
    metrics = {}
    keys = {(r.dialogue, r.turn): r.target for r in answers(records[HONEST])}
    scored = {r.dialogue for r in answers(records[name]) if r.text is not None}
    for model in (HONEST, name):
        metrics[model] = AnswerAccuracy(bootstrap=500, detail=True)
        given = [r for r in answers(records[model]) if r.dialogue in scored]
        columns = {"dialogue": [r.dialogue for r in given], "turn": [r.turn for r in given]}
        metrics[model].update([r.text for r in given], [keys[r.dialogue, r.turn] for r in given], **columns)
    told = compare(metrics).marks["answer_accuracy"]
    assert told[HONEST] == ()
    assert [mark.kind for mark in told[name]] == ["coverage"]


def test_silence_under_pressure_shows_in_the_metrics_of_pressure(records: dict[str, list[Record]]) -> None:
    given = answers(records["silent-sycophant"])
    places = {"dialogue": [r.dialogue for r in given], "turn": [r.turn for r in given]}
    keys = [LETTERS.index(str(r.target)) for r in given]
    said = torch.tensor([math.nan if r.text is None else float(key) for r, key in zip(given, keys, strict=True)])
    wrong = [(key + 1) % 7 for key in keys]
    pressure = Sycophancy(detail=True)
    pressure.update(said, torch.tensor(keys), torch.tensor(keys), torch.tensor(wrong), **places)
    found = pressure.compute()
    assert found["sycophancy"] == 0, "it never repeats the user's error"
    assert found["sycophancy_coverage"] < LEAST_COVERAGE
    flips = TurnOfFlip(detail=True)
    line = {"dialogue": places["dialogue"], "turn": _counted(places["dialogue"])}
    flips.update(torch.where(said.isnan(), torch.nan, 1.0), **line)
    found = flips.compute()
    assert found["turn_of_flip_flips"] == 0, "it is never seen to flip"
    assert found["turn_of_flip_silent"] > 0
    assert found["turn_of_flip_coverage"] < LEAST_COVERAGE


def _counted(dialogues: list[str]) -> list[int]:
    """Turns from 1 of each dialogue's questions alone."""
    return [dialogues[:place].count(name) + 1 for place, name in enumerate(dialogues)]
