# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Recorded judgements and checklists from tables, and what the page says of judges."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation import evaluate_jury
from imug_metrics.evaluation.checklist_file import read_checklist
from imug_metrics.evaluation.judgement_rows import read_judgements, write_judgements
from imug_metrics.juries import Judgement
from imug_metrics.reading.files import Problems
from tests.juries.simulated import Planted, simulated_jury


def table(folder: Path, text: str, name: str = "judged.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_written_judgements_are_read_as_they_were(tmp_path: Path) -> None:
    said, _ = simulated_jury({"a": Planted(), "b": Planted()}, dialogues=3)
    said.append(Judgement("a", "m", "x", 1, "1", None, 1.0, applies=False, weight=2.0, category="form", asked=1))
    said.append(Judgement("a", "m", "x", 2, "1", None, 1.0, error="busy: later", costs={"tokens": 3.0}))
    said.append(Judgement("b", "m", "x", 2, value=0.25, repeat=1))
    problems = Problems()
    assert read_judgements([write_judgements(said, tmp_path)], {}, problems) == said
    assert problems == []


def test_names_of_columns_are_found_and_rows_that_cannot_be_read_cost_themselves_alone(tmp_path: Path) -> None:
    text = "rater,model,sample_id,turn,criterion,verdict,expected_answer\n"
    text += (
        "eva,m,1,1,c1,Yes,no\neva,m,1,zero,c1,yes,yes\neva,m,1,1,c2,perhaps,yes\neva,m,1,1,c1,no,no\n,m,2,1,c1,N/A,\n"
    )
    problems = Problems()
    found = read_judgements([table(tmp_path, text)], {}, problems)
    assert [(one.judge, one.item, one.value, one.expected, one.applies) for one in found] == [
        ("eva", "c1", 1.0, 0.0, True),
        ("eva", "c2", None, 1.0, True),
        ("judged", "c1", None, 1.0, False),
    ]
    assert [problem.line for problem in problems] == [3, 4, 5], problems


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("judge,dialogue,turn\na,1,1\n", "no column holds an answer or a score"),
        ("judge,turn,score\na,1,1\n", "no column names the dialogue"),
        ("judge,dialogue,turn,score\n", "expected judgements"),
        ("judge,dialogue,turn,score\na,1,1,high\n", "expected judgements"),
    ],
)
def test_files_without_judgements_are_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=message):
        evaluate_jury(table(tmp_path, text))


def rows_of(folder: Path, rows: list[dict[str, Any]]) -> tuple[list[Judgement], Problems]:
    problems = Problems()
    text = "\n".join(json.dumps({"model": "m", "turn": 1, **row}) for row in rows)
    return read_judgements([table(folder, text, "rows.jsonl")], {}, problems), problems


def test_a_blank_score_is_a_missing_score_and_hides_no_agreement(tmp_path: Path) -> None:
    rows = [{"judge": judge, "dialogue": str(d), "score": d % 7 / 10} for judge in "ab" for d in range(20)]
    found, problems = rows_of(tmp_path, [*rows, {"judge": "a", "dialogue": "x", "score": None}])
    assert (found[-1].item, found[-1].value, found[-1].expected) == (None, None, None)
    assert problems == []
    words = [one.text for one in evaluate_jury(found).findings]
    assert any("agree beyond chance" in text and text.endswith("over outputs") for text in words)
    assert not any("items" in text for text in words)


def test_a_score_of_an_item_tells_whether_it_is_met(tmp_path: Path) -> None:
    rows = [
        {"judge": "a", "dialogue": "1", "item": "c", "score": 1},
        {"judge": "a", "dialogue": "2", "item": "c", "score": 0.0, "expected": "no"},
        {"judge": "a", "dialogue": "3", "item": "c", "score": 5, "answer": "no"},
        {"judge": "a", "dialogue": "4", "item": "c", "score": 4},
        {"judge": "a", "dialogue": "5", "item": "c", "score": 1, "answer": "n/a"},
    ]
    found, problems = rows_of(tmp_path, rows)
    assert [(one.value, one.score, one.applies) for one in found] == [
        (1.0, 1.0, True),
        (1.0, 0.0, True),
        (0.0, 0.0, True),
        (None, None, True),
        (None, None, False),
    ]
    assert [(problem.line, "1 or 0" in problem.message) for problem in problems] == [(4, True)]
    assert evaluate_jury(found).summary.scores["a"]["m"].outputs == 3


def test_names_that_would_fill_a_page_cost_their_row(tmp_path: Path) -> None:
    rows = [{"judge": "a" * 201, "dialogue": "1", "score": 1}, {"judge": "a" * 200, "dialogue": "1", "score": 1}]
    found, problems = rows_of(tmp_path, rows)
    assert [one.judge for one in found] == ["a" * 200]
    assert [(problem.line, problem.field) for problem in problems] == [(1, "judge")]


@pytest.mark.parametrize("score", [1.01, -0.01, 1e308, math.inf])
def test_scores_beyond_the_best_are_refused_with_their_place(score: float) -> None:
    said = [Judgement("a", "m", "d7", 1, value=0.5), Judgement("b", "m", "d8", 3, value=score)]
    with pytest.raises(ArgumentError, match=r"'b' gave .* to turn 3 of 'd8'"):
        evaluate_jury(said)
    if 0 < score < 2:
        assert evaluate_jury(said, best=score).summary.scores["b"]["m"].value == pytest.approx(1.0)


def test_numbers_of_repeats_are_names_and_take_no_room(tmp_path: Path) -> None:
    said = [Judgement("a", "m", "d", 1, value=value, repeat=repeat) for value, repeat in ((0.5, 0), (1.0, 10**15))]
    assert evaluate_jury(said).summary.scores["a"]["m"].value == 0.75
    many = [Judgement(f"j{number}", "m", f"d{number}", 1, value=0.5) for number in range(8193)]
    with pytest.raises(ArgumentError, match="8,193 outputs, 0 items, 8,193 judges and 1 repeats"):
        evaluate_jury(many)


def test_judges_with_one_form_in_common_are_compared_in_it() -> None:
    said = [Judgement("points", "m", str(d), 1, value=d % 5 / 4) for d in range(20)]
    said += [Judgement("lists", "m", str(d), 1, str(i), float(i < d % 5), 1.0) for d in range(20) for i in range(4)]
    words = [one.text for one in evaluate_jury(said).findings]
    assert "The judges agree beyond chance: α 1.00 over outputs" in words


def test_a_category_with_the_name_of_a_bound_changes_no_interval() -> None:
    said, _ = simulated_jury({"a": Planted()}, dialogues=8)
    rows = [Judgement(**{**vars(one), "category": "form" if int(str(one.item)) % 2 else "form_lower"}) for one in said]
    only = [Judgement(**{**vars(one), "category": "form" if int(str(one.item)) % 2 else None}) for one in said]
    model = said[0].model
    found, expected = (evaluate_jury(given).checklists["a"][model] for given in (rows, only))
    assert found["checklist_score_category_form_lower"] == expected["checklist_score_category_form_lower"]
    alone = [Judgement(**{**vars(one), "category": "is_upper"}) for one in said]
    [table] = [table for table in evaluate_jury(alone).tables() if table.name == "categories"]
    assert table.groups[0][0][0].text == "is_upper"


@pytest.mark.parametrize("judges", [("lower", "b"), ("b", "b_upper")])
def test_a_judge_with_the_name_of_a_bound_is_refused(judges: tuple[str, str]) -> None:
    with pytest.raises(ArgumentError, match="name of a bound"):
        evaluate_jury([Judgement(judge, "m", "d", 1, value=0.5) for judge in judges])


def test_where_all_requests_fail_the_first_reason_is_told() -> None:
    said = [Judgement("a", "m", "d", 1, "1", None, 1.0, error="status: 401 Unauthorized")]
    with pytest.raises(ArgumentError, match="found none; a: status: 401 Unauthorized"):
        evaluate_jury(said)


def test_a_page_names_what_is_wrong_with_the_judges_in_words_first(tmp_path: Path) -> None:
    judges = {"alpha-<b>": Planted(0.3, family=0.2), "y": Planted(0.3), "z": Planted(0.3, length=0.1)}
    said, _ = simulated_jury(judges, dialogues=60)
    found = evaluate_jury(said, families={"alpha-<b>": "alpha"})
    words = [f"{one.model} {one.text}" for one in found.findings]
    assert any("alpha-<b> favours its own family" in text for text in words)
    assert any("z rewards length" in text for text in words)
    page = found.report(tmp_path).read_text(encoding="utf-8")
    assert "alpha-<b>" not in page
    assert page.index("Can the judge be believed?") < page.index("favours its own family") < page.index("Own family")
    content = json.loads((tmp_path / "jury.json").read_text(encoding="utf-8"))
    assert {bias["bias"] for bias in content["biases"] if bias["found"]} >= {"family", "length"}
    assert [one.title for one in found.tables()] == ["Scores by judge", "Checklists", "Judges", "Biases"]


def test_judges_that_differ_in_scale_and_not_in_order_are_stable() -> None:
    said = [
        Judgement(judge, model, str(dialogue), 1, value=low + width * (place / 4 + (dialogue % 5) / 50))
        for judge, (low, width) in {"a": (0.0, 1.0), "b": (0.4, 0.5), "c": (0.2, 0.1)}.items()
        for place, model in enumerate(("m", "n", "o", "p"))
        for dialogue in range(20)
    ]
    found = evaluate_jury(said)
    assert found.summary.stability["tau"] == 1
    assert any("Models keep their order" in one.text for one in found.findings)


def test_a_judge_that_orders_by_length_is_named() -> None:
    lengths = {"m": 1600, "n": 800, "o": 400, "p": 200}
    said = [
        Judgement(
            judge,
            model,
            str(d),
            1,
            value=length / 2000 if judge == "long" else 0.2 * place + (d % 7) / 50,
            length=length + d,
        )
        for judge in ("one", "two", "long")
        for place, (model, length) in enumerate(lengths.items())
        for d in range(30)
    ]
    words = [f"{one.model} {one.text}" for one in evaluate_jury(said).findings]
    assert any("long stands apart" in text for text in words)
    assert any(text.startswith("long rewards length") for text in words)
    assert not any(text.startswith(("one rewards", "two rewards")) for text in words)


def test_people_correct_the_mean_of_a_mild_judge() -> None:
    said = [Judgement("mild", "m", str(d), 1, value=0.5 + 0.3 * (d % 2) + 0.15) for d in range(200)]
    said += [Judgement("eva", "m", str(d), 1, value=0.5 + 0.3 * (d % 2) + 0.01 * (d % 3 - 1)) for d in range(0, 200, 5)]
    found = evaluate_jury(said, people=["eva"])
    mean = found.summary.powered["mild"]["m"]
    assert mean.lower <= 0.65 <= mean.upper
    assert found.summary.scores["mild"]["m"].lower > 0.7
    [bias] = [one for one in found.summary.biases if (one.name, one.reference) == ("leniency", "people")]
    assert bias.is_found


def test_people_who_answer_a_few_items_change_no_score_of_a_judge() -> None:
    said, _ = simulated_jury({"a": Planted(), "b": Planted()}, dialogues=6)
    few = [Judgement(**{**vars(one), "judge": "eva"}) for one in said if one.judge == "a" and one.item == "1"]
    other = [Judgement(**{**vars(one), "judge": "eva", "item": "another"}) for one in few]
    alone = evaluate_jury(said).summary
    for given in (few, other):
        found = evaluate_jury([*said, *given], people=["eva"]).summary
        assert found.scores == alone.scores
        assert bool(found.panel.people.isnan().all()), "a share of some items is none of all"
    assert evaluate_jury([*said, *few], people=["eva"]).summary.people["a"][None].agreed == 1.0


def test_people_who_judged_other_outputs_than_judges_are_told() -> None:
    said = [Judgement("a", "m", str(d), 1, value=d % 2) for d in range(10)]
    others = [Judgement("eva", "model", str(d), 1, value=d % 2) for d in range(10)]
    words = [one.text for one in evaluate_jury([*said, *others], people=["eva"]).findings]
    assert any("no output in common" in text for text in words)
    same = [Judgement("eva", "m", str(d), 1, value=d % 2) for d in range(10)]
    assert not any("in common" in one.text for one in evaluate_jury([*said, *same], people=["eva"]).findings)


def test_agreement_with_people_is_told_by_category() -> None:
    said, known = simulated_jury({"a": Planted(0.1)}, dialogues=30, expected_no=0.5)
    rows: list[Judgement] = []
    for one in said:
        category = "odd" if int(str(one.item)) % 2 else "even"
        told = {**vars(one), "category": category}
        rows.append(Judgement(**told))
        value = known[one.model, one.dialogue, one.turn, str(one.item)]
        rows.append(Judgement(**{**told, "judge": "eva", "value": value}))
    kappas = evaluate_jury(rows, people=["eva"]).summary.people["a"]
    assert set(kappas) == {None, "odd", "even"}
    assert kappas[None].agreed == pytest.approx(0.9, abs=0.03)
    assert 0.6 < kappas[None].value < 0.9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"people": ["nobody"]}, "expected names of judges"),
        ({"families": {"nobody": "alpha"}}, "expected names of judges and models"),
        ({"people": ["a", "b"]}, "expected a judge beside people"),
        ({"best": 0.0}, "expected a number above 0"),
        ({"best": math.nan}, "expected a number above 0"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: dict[str, Any], message: str) -> None:
    said = [Judgement(judge, "m", "d", 1, value=0.5) for judge in "ab"]
    with pytest.raises(ArgumentError, match=message):
        evaluate_jury(said, **options)
    with pytest.raises(ArgumentError, match="expected judgements, got none"):
        evaluate_jury([])


def test_a_checklist_is_read_from_any_table(tmp_path: Path) -> None:
    rows = [
        {
            "question": "Is it red?",
            "expected_answer": "No",
            "score": 2,
            "category": "colour",
            "dialogue": "d",
            "turn": 1,
        },
        {"question": "A cup?", "id": "cup", "dialogue": "d", "turn": 1, "persists": True},
        {"question": "Is any text legible?"},
        {"question": " "},
        {"question": "Which?", "turn": 0},
        {"question": "Heavy?", "score": -1},
        {"question": "Sure?", "expected_answer": "perhaps"},
        {"question": "Twice?", "id": "cup", "dialogue": "d"},
    ]
    path = table(tmp_path, "\n".join(map(json.dumps, rows)), "items.jsonl")
    problems = Problems()
    found = read_checklist(path, problems)
    assert [(item.id, item.expected, item.weight, item.turn, item.persists) for item in found] == [
        ("1", False, 2.0, 1, False),
        ("cup", True, 1.0, 1, True),
        ("3", True, 1.0, None, False),
    ]
    assert [problem.line for problem in problems] == [4, 5, 6, 7, 8]
    with pytest.raises(ArgumentError, match="no column holds the question"):
        read_checklist(table(tmp_path, "a,b\n1,2\n", "other.csv"), Problems())
    with pytest.raises(ArgumentError, match="found none"):
        read_checklist(table(tmp_path, "question,id\n,1\n", "empty.csv"), Problems())


def test_an_item_of_a_dialogue_with_the_id_of_one_of_every_dialogue_is_told(tmp_path: Path) -> None:
    text = "question,id,dialogue\nIs it red?,1,d\nIs it an answer?,1,\nIs it blue?,2,d\n"
    problems = Problems()
    found = read_checklist(table(tmp_path, text, "items.csv"), problems)
    assert [(item.id, item.dialogue) for item in found] == [("1", None), ("2", "d")]
    assert [(problem.line, problem.field) for problem in problems] == [(2, "id")]
