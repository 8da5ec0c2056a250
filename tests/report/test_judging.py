# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What the report shows of judges, of the two protocols, and of classes and domains."""

from __future__ import annotations

import io
import json
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
    assert row.split()[-1] == "2"
    assert "0.25" in said.partition("By class")[2]
