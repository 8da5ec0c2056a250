# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What the report shows of judges, of the two protocols, and of classes and domains."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

from rich.console import Console

from imug_metrics.cli.tables import print_tables
from imug_metrics.report import RuleRow, find, score_tables, write_report
from imug_metrics.report.judging import by_group, judge_rows

RULES = [
    RuleRow("letters", "all", "those meant", "an article is no choice", {"mine": 3, "other": 0}),
    RuleRow("rounding", "4 places", "none", "nothing is gained", {"mine": 0}),
]
AGREEMENT = {"alpha": 0.81, "alpha_lower": 0.7, "alpha_upper": 0.9, "units": 40.0, "spread": 0.2, "human_pearson": 0.6}
JUDGES = {"mine": {"answers": 1200, "failures": {"image: busy": 2}, "agreement": {"points": AGREEMENT}}}


def judged(make_scores: Any, model: str) -> Any:
    scores = make_scores(model, judged=True)
    for group, value in (("class=Hybrid", 0.25), ("domain=Cooking", 0.5), ("domain=<b>Odd]", 0.75)):
        scores.scores.update({f"point_score[{group}]": value, f"point_score[{group}]_n": 7.0})
    return scores


def text_of(path: Path) -> str:
    return " ".join(path.read_text(encoding="utf-8").split())


def test_rules_are_shown_with_the_turns_they_touch(make_scores: Any, tmp_path: Path) -> None:
    models = [judged(make_scores, "mine"), make_scores("other")]
    page = text_of(write_report(models, tmp_path, manifest={}, rules=RULES))
    shown, _, quiet = page.partition('<section id="rules">')[2].partition("1 more rules touch no turn")
    assert "<td>an article is no choice</td><td>3</td><td>0</td>" in shown
    assert "<td>nothing is gained</td><td>0</td><td>–</td>" in quiet
    assert json.loads((tmp_path / "summary.json").read_text())["rules"] == {
        "mine": {"letters": 3, "rounding": 0},
        "other": {"letters": 0},
    }


def test_failures_of_the_judge_are_a_finding_and_a_row(make_scores: Any, tmp_path: Path) -> None:
    models = [judged(make_scores, "mine"), make_scores("other")]
    page = text_of(write_report(models, tmp_path, manifest={}, judges=JUDGES))
    section = page.partition('<section id="judge">')[2].partition("</section>")[0]
    assert all(part in section for part in ("1,200", ">2<", "2 image: busy", "0.81", "0.70 to 0.90", "n = 40", "0.60"))
    [finding] = [finding for finding in find(models, JUDGES) if "judgements" in finding.text]
    assert (finding.tone, finding.model) == ("warn", "mine")
    assert find(models) == [finding for finding in find(models, JUDGES) if "judgements" not in finding.text]
    assert json.loads((tmp_path / "summary.json").read_text())["judges"] == JUDGES


def test_a_judge_without_agreement_has_a_row_too(make_scores: Any) -> None:
    [row] = judge_rows([make_scores("mine")], {"mine": {"answers": 5, "failures": {}, "agreement": {}}})
    assert (row["answers"], row["failed"], row["agreements"]) == ("5", 0, [])


def test_groups_are_read_back_whatever_their_names(make_scores: Any, tmp_path: Path) -> None:
    models = [judged(make_scores, "mine"), make_scores("other", judged=True)]
    [group] = by_group(models)
    assert group["label"] == "Judged points"
    assert [name for name, _ in group["domain"]] == ["<b>Odd]", "Cooking"]
    assert [cell["value"] for cell in group["class"][0][1]] == ["0.25", "–"]
    page = text_of(write_report(models, tmp_path, manifest={}))
    assert "&lt;b&gt;Odd]" in page
    assert "[domain=" not in page, "groups are not in the table of all numbers"


def test_without_judge_rules_and_groups_there_are_no_such_sections(make_scores: Any, tmp_path: Path) -> None:
    page = text_of(write_report([make_scores("mine")], tmp_path, manifest={}))
    assert not any(f'id="{name}"' in page for name in ("rules", "judge", "groups"))
    assert set(json.loads((tmp_path / "summary.json").read_text())) == {"schema", "models", "findings"}


def test_the_table_shows_points_failures_and_classes(make_scores: Any) -> None:
    console = Console(file=io.StringIO(), width=100)
    print_tables(score_tables([judged(make_scores, "mine"), make_scores("other")], JUDGES), console)
    said = console.file.getvalue()
    row = next(line for line in said.partition("Judged images")[2].splitlines() if line.strip().startswith("mine"))
    assert "1,200" in row
    assert row.split()[-3:] == ["2", "98", "%"]
    assert "0.25" in said.partition("By class")[2]


POWERED = {
    "point_score_human": 0.6,
    "point_score_human_lower": 0.5,
    "point_score_human_upper": 0.7,
    "point_score_powered": 0.62,
    "point_score_powered_lower": 0.57,
    "point_score_powered_upper": 0.67,
    "point_score_powered_lambda": 0.8,
    "point_score_powered_labelled": 50.0,
    "point_score_powered_records": 400.0,
    "point_score_powered_variance_ratio": 0.25,
}
REPEATS = {
    "variance": {"dialogue": 0.5, "record": 1.25, "repeat": 0.25},
    "width": {"1": 1.0, "2": 0.98, "3": 0.96, "5": 0.95, "inf": 0.9},
    "share": 0.19,
    "best": 0.447,
}


def test_a_row_says_what_people_and_repeats_say(make_scores: Any) -> None:
    scores = make_scores("mine")
    scores.scores.update(POWERED)
    differences = {"other": {"difference": -0.1, "difference_lower": -0.2, "difference_upper": 0.02, "records": 4.0}}
    judge = {**JUDGES["mine"], "repeats": REPEATS, "differences": differences}
    [row] = judge_rows([scores], {"mine": judge})
    assert row["people"]["human"] == {"value": "0.60", "interval": "0.50 to 0.70"}
    assert row["people"]["powered"] == {"value": "0.62", "interval": "0.57 to 0.67"}
    assert [row["people"][key] for key in ("labelled", "records", "power")] == ["50", "400", "0.80"]
    assert row["people"]["worth"].endswith("50 images scored by people count as much as 200")
    assert [row["repeats"][key] for key in ("dialogue", "record", "repeat", "best")] == [
        "0.500",
        "1.250",
        "0.250",
        "0.4",
    ]
    assert row["repeats"]["widths"][-1] == ("∞", "0.90")
    assert "19 % of the mean's variance" in row["repeats"]["advice"]
    assert "by 4 %, a judge without noise by 10 %" in row["repeats"]["advice"]
    assert row["differences"] == [{"model": "other", "value": "−0.10", "interval": "−0.20 to 0.02"}]


def test_the_page_shows_what_people_and_repeats_say(make_scores: Any, tmp_path: Path) -> None:
    models = [judged(make_scores, "mine"), judged(make_scores, "other")]
    models[0].scores.update(POWERED)
    differences = {"other": {"difference": -0.1, "difference_lower": -0.2, "difference_upper": 0.02, "records": 4.0}}
    judges = {
        "mine": {**JUDGES["mine"], "repeats": REPEATS, "differences": differences},
        "other": {**JUDGES["mine"], "repeats": {}},
    }
    page = text_of(write_report(models, tmp_path, manifest={}, judges=judges))
    section = page.partition('<section id="judge">')[2].partition("</section>")[0]
    said = re.sub(r"<[^>]*>", "", section.partition("</table>")[2]).replace("&#39;", "'")
    assert "People alone: 0.60 (0.50 to 0.70); with the judge's help: 0.62 (0.57 to 0.67), 50 of 400 images" in said
    assert "50 images scored by people count as much as 200" in said
    assert "People score it −0.10 (−0.20 to 0.02) against other." in said
    assert "the judge's noise is 19 % of the mean's variance" in said
    assert said.count("People alone") == 1, "nobody scored the other model"
    assert "<p>" not in section.partition("</table>")[2].partition("</p>")[2], "of it there is no paragraph"


def test_a_row_says_nothing_of_people_and_repeats_that_there_were_not(make_scores: Any) -> None:
    [row] = judge_rows([make_scores("mine")], {"mine": {**JUDGES["mine"], "repeats": {}}})
    assert (row["people"], row["repeats"], row["differences"]) == (None, None, [])


def test_what_cannot_be_told_is_said_in_words(make_scores: Any) -> None:
    scores = make_scores("mine")
    scores.scores.update({**POWERED, "point_score_powered_variance_ratio": 1.0})
    unknown = {"variance": dict.fromkeys(REPEATS["variance"]), "width": dict.fromkeys(REPEATS["width"])}
    [row] = judge_rows([scores], {"mine": {**JUDGES["mine"], "repeats": {**unknown, "share": None, "best": None}}})
    assert row["people"]["worth"].startswith("the judge does not help")
    assert row["repeats"]["advice"].startswith("too few repeats")
    assert (row["repeats"]["record"], row["repeats"]["best"]) == ("–", "–")
