# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Differences and ranks as text."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
from rich.console import Console

from imug_metrics.cli.tables import print_tables
from imug_metrics.report import score_tables
from imug_metrics.report.comparison import MetricComparison
from imug_metrics.report.comparison_table import MOST_PAIRS, comparison_tables, joint, p_text
from imug_metrics.report.estimates import Estimate
from imug_metrics.report.metric_specs import METRICS
from imug_metrics.report.tables.table import Mark, Table
from imug_metrics.report.tables.text import first_line
from imug_metrics.stats.comparison import PairedDifference, rank_bounds

ALIGNMENT = next(view for view in METRICS if view.key == "turn_alignment")
ABSENT = Mark("!", "coverage", "40 % of the outputs were scored")


def pair(first: int, second: int, value: float, half: float = 0.1, reason: str = "") -> PairedDifference:
    bounds = (value - half, value + half) * 2
    return PairedDifference(first, second, value, half / 2, *bounds, 0.01, 0.123, 40, 12, reason)


def compared(values: list[float], *, slope: bool = False, p: float = 0.0312) -> MetricComparison:
    """Models of these scores, told apart where they differ by 0.1."""
    pairs = tuple(pair(a, b, values[a] - values[b]) for a, b in combinations(range(len(values)), 2))
    return MetricComparison(ALIGNMENT, slope, pairs, tuple(rank_bounds(pairs, len(values))), (p,) * len(pairs))


def tables(names: list[str], metrics: list[MetricComparison], marks: Any = None, **options: Any) -> list[Table]:
    return comparison_tables(names, metrics, marks or {}, **options)


def printed(found: list[Table]) -> str:
    buffer = io.StringIO()
    print_tables(found, Console(file=buffer, width=100, force_terminal=False))
    return buffer.getvalue()


def shown(table: Table) -> list[list[str]]:
    return [[first_line(cell) for cell in row] for row in table.rows]


def test_a_row_holds_difference_bounds_p_smallest_and_dialogues() -> None:
    differences, ranks = tables(["a", "b"], [compared([0.9, 0.5])])
    assert shown(differences) == [
        ["Alignment", "a", "b", "+0.400", "0.300 to 0.500", "0.031", "0.123", "12"]
    ]  # fmt: skip
    [row] = differences.records()
    assert [row[f"Difference{end}"] for end in ("", " lower", " upper")] == pytest.approx([0.4, 0.3, 0.5])
    assert [row["p, all metrics"], row["Seen from"], row["Dialogues"]] == [0.0312, 0.123, 12]
    assert shown(ranks) == [["a", "1"], ["b", "2"]]
    assert "95 % intervals that hold for all pairs" in str(differences)
    assert "with power 80 %" in str(differences)


def test_metrics_in_which_lower_is_better_are_named_below_both_tables() -> None:
    copies = replace(compared([0.1, 0.9]), view=next(view for view in METRICS if view.key == "copy_guard"))
    for table in tables(["a", "b"], [compared([0.9, 0.5]), copies]):
        assert any(line.endswith("lower is better: Copies") for line in table.caption)
    for table in tables(["a", "b"], [compared([0.9, 0.5])]):
        assert not any("lower is better" in line for line in table.caption)


def test_a_difference_that_may_be_zero_is_dim_and_leaves_the_ranks_open() -> None:
    differences, ranks = tables(["a", "b"], [compared([0.55, 0.5])], level=0.9, power=0.7)
    assert next(differences.rows)[3].tone == "dim"
    assert [row[1].text for row in ranks.rows] == ["1–2", "1–2"]
    assert [row[1].tone for row in ranks.rows] == ["", ""]
    assert ranks.records()[0] == {"Model": "a", "Alignment": "1–2", "Alignment lower": 1, "Alignment upper": 2}
    assert "90 %, all pairs" in differences.columns
    assert "power 70 %" in str(differences)


def test_only_a_leader_without_a_mark_is_good() -> None:
    plain, marked = (
        tables(["a", "b"], [compared([0.9, 0.5])], marks)[1].groups[0][0][1]
        for marks in ({}, {"turn_alignment": {"a": (ABSENT,)}})
    )
    assert (first_line(plain), plain.tone) == ("1", "good")
    assert (first_line(marked), marked.tone) == ("1 !", "warn")


def test_a_mark_stands_by_the_name_in_every_pair_and_is_explained_once() -> None:
    marks = {"turn_alignment": {"a": (ABSENT, ABSENT._replace(sign="≈", text="not above chance, 0.40")), "b": ()}}
    differences, _ = tables(["a", "b", "c"], [compared([0.9, 0.5, 0.1])], marks)
    assert [row[1:3] for row in shown(differences)] == [["a !≈", "b"], ["a !≈", "c"], ["b", "c"]]
    assert [line for line in differences.caption if line.startswith(("!", "≈"))] == [
        "!  a, Alignment: 40 % of the outputs were scored",
        "≈  a, Alignment: not above chance, 0.40",
    ]


def test_a_slope_has_marks_of_its_own_and_tells_only_what_is_new() -> None:
    guessed = Mark("≈", "chance", "its retrieval is not above chance, 0.40")
    marks = {"turn_alignment": {"a": (ABSENT,)}, "turn_alignment_slope": {"a": (ABSENT, guessed)}}
    differences, ranks = tables(["a", "b"], [compared([0.9, 0.5]), compared([0.9, 0.5], slope=True)], marks)
    assert [rows[0][0].text for rows in differences.groups] == ["Alignment", "Alignment, change per turn"]
    assert shown(ranks)[0][1:] == ["1 !", "1 !≈"]
    assert [line[0] for line in differences.caption if line[0] in "!≈"] == ["!", "≈"]


def test_what_has_no_interval_says_so() -> None:
    none = pair(0, 1, 0.0)._replace(joint_lower=math.nan, joint_upper=math.nan, smallest=math.nan, reason="too few")
    metric = MetricComparison(ALIGNMENT, False, (none,), ((1, 2), (1, 2)), (math.nan,))
    [row] = shown(tables(["a", "b"], [metric])[0])
    assert row[3:] == ["0.000", "no interval", "–", "–", "12"]


def test_of_many_models_only_pairs_with_a_possible_first_are_shown() -> None:
    values = [1.0, 0.95, *(0.5 - 0.2 * place for place in range(6))]
    names = [f"m{place}" for place in range(len(values))]
    differences, ranks = tables(names, [compared(values)])
    pairs = [row[1:3] for row in shown(differences)]
    assert len(pairs) == 7 + 6 > MOST_PAIRS
    assert all({"m0", "m1"} & set(names) for names in pairs)
    assert "all pairs: comparison.json" in str(differences)
    assert len(shown(ranks)) == len(names)


def test_every_row_of_a_file_says_its_metric() -> None:
    differences, _ = tables(["a", "b", "c"], [compared([0.9, 0.5, 0.1])])
    assert [row[0] for row in shown(differences)] == ["Alignment", "", ""]
    assert [row["Metric"] for row in differences.records()] == ["Alignment"] * 3


def test_p_values_and_joint_bounds_for_reading() -> None:
    assert [p_text(p) for p in (0.00099, 0.001, 0.5, 1.0, math.nan)] == ["<0.001", "0.001", "0.500", "1.000", "–"]
    assert joint(pair(0, 1, 0.5)) == Estimate(0.5, 0.4, 0.6)


HOSTILE = "[red]x[/red]\x1b[2J\n"


def test_hostile_names_are_printed_as_they_are_also_below_the_table() -> None:
    found = tables([HOSTILE, "b"], [compared([0.9, 0.5])], {"turn_alignment": {HOSTILE: (ABSENT,)}})
    for text in (printed(found), "\n".join(map(str, found))):
        assert "\x1b" not in text
        assert "![red]" not in text
        assert r"[red]x[/red]\x1b[2J\n, Alignment: 40 %" in text


def test_hostile_names_in_the_legend_of_the_scores(make_scores: Any) -> None:
    model = make_scores(HOSTILE, copy_rate=0.9)
    for text in (printed(score_tables([model])), "\n".join(map(str, score_tables([model])))):
        assert "\x1b" not in text
        assert r"=  [red]x[/red]\x1b[2J\n, Consistency" in text
