# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What the outputs cost."""

from __future__ import annotations

import pytest

import imug_metrics
from imug_metrics import Record
from imug_metrics.report import Report, Table
from imug_metrics.report.sections.costs import costs


def records(factor: float) -> list[Record]:
    return [
        Record(f"d{d}", turn, "text", "Which?", text="A", target="A", costs={"tokens": factor * (10 + d) * turn})
        for d in range(8)
        for turn in (1, 2, 3)
    ]


def test_a_cost_has_mean_sum_and_change_per_turn_of_every_model() -> None:
    found = imug_metrics.evaluate({"small": records(1.0), "large": records(3.0)})
    section = costs(Report([result.scores for result in found.results]))
    assert section is not None
    [table] = section.parts
    assert isinstance(table, Table)
    small, large = table.records()
    assert [row["Model"] for row in (small, large)] == ["small", "large"]
    assert small["Mean"] == pytest.approx(27.0)
    assert small["Sum"] == pytest.approx(27.0 * 24)
    assert large["Sum"] == pytest.approx(3 * small["Sum"])
    assert small["Change per turn"] == pytest.approx(13.5)
    assert [row[3].text for row in table.rows] == ["648", "1,944"]
    change = next(table.rows)[4]
    assert (change.text[0], change.tone) == ("▲", "bad"), "a cost that rises is for the worse"


def test_without_costs_there_is_no_section() -> None:
    found = imug_metrics.evaluate({"mine": [Record("a", 1, "text", "Which?", text="A", target="A")]})
    assert costs(Report([found.results[0].scores])) is None
