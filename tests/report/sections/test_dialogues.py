# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Film strips on the page: what a reader needs to judge, in the order in which it is read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from imug_metrics.report.pages.render import render
from imug_metrics.report.sections import Report
from imug_metrics.report.sections.dialogues import dialogues
from imug_metrics.suite import ModelScores
from tests.report.large import large_scores
from tests.report.page_reader import Page, seen, written


def answer(turn: int = 1, dialogue: str = "d", **row: Any) -> dict[str, Any]:
    usual = {"modality": "text", "prompt": f"Which one at {turn}?", "target": "B", "text": "B", "reading": "answer"}
    return {"dialogue": dialogue, "turn": turn, **usual, "answer_strict": 1.0, **row}


def image(turn: int = 1, dialogue: str = "d", **row: Any) -> dict[str, Any]:
    usual = {"modality": "image", "prompt": f"Draw {turn}.", "image": "none.png", "text": None, "retrieval": 1.0}
    return {"dialogue": dialogue, "turn": turn, **usual, **row}


def model(*rows: dict[str, Any], name: str = "mine") -> ModelScores:
    return ModelScores(name, {"answer_accuracy": 0.5, "turn_retrieval": 0.5}, [*rows])


def strips(*models: ModelScores) -> str:
    section = dialogues(Report(models))
    assert section is not None
    found = render("page.html", title="", lead="", sections=[section], version="", files="")
    return Page(found).section("dialogues")


def table(source: str) -> list[list[str]]:
    """The cells of the first strip, row by row."""
    rows = re.findall(r"<tr>(.*?)</tr>", source, re.S)
    return [[seen(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)] for row in rows]


def test_a_strip_has_prompts_and_right_answers_once_on_top_and_a_row_a_model() -> None:
    first = model(answer(1), answer(2, target="C", text="A", answer_strict=0.0), name="first")
    second = model(answer(1), answer(2, target="C", text="C"), name="second")
    head, prompts, right, *rows = table(strips(first, second))
    assert head == ["Turn", "1 text", "2 text"]
    assert prompts == ["Prompt", "Which one at 1?", "Which one at 2?"]
    assert right == ["Right answer", "B", "C"]
    assert [row[0].split()[0] for row in rows] == ["first", "second"]
    assert strips(first, second).count("Which one at 2?") == 1


def test_a_cell_holds_the_reply_then_what_became_of_it_then_its_scores() -> None:
    found = table(strips(model(answer(text="It is A.", read="A", answer_strict=0.0))))
    assert found[-1][1] == "It is A. ✗ wrong, read as A Answers 0.00"


def test_outcomes_are_told_by_words_and_signs() -> None:
    rows = [
        answer(1),
        answer(2, text="A", answer_strict=0.0),
        answer(3, text="Hm.", answer_strict=0.0, reading="unclear"),
        answer(4, text=None, answer_strict=None, reading=None),
        answer(5, target=None, answer_strict=None, reading=None),
        image(6, image=None, retrieval=None),
        image(7, retrieval=0.0),
        image(8, retrieval=0.5),
    ]
    [*_, found] = table(strips(model(*rows)))
    assert "✓ right" in found[1]
    assert "✗ wrong" in found[2]
    assert "? could not be read" in found[3]
    assert "wrong" not in found[3]
    assert "∅ no answer" in found[4]
    assert found[5] == "B", "without a key nothing is said of it"
    assert "∅ no image" in found[6]
    assert "✗ fits another prompt better" in found[7]
    assert "prompt" not in found[8], "its prompt merely repeats"


def test_of_a_good_model_the_page_says_that_nothing_went_wrong() -> None:
    rows = [answer(turn, f"d{place}") for place in range(5) for turn in (1, 2)]
    found = strips(model(*rows))
    wrong = found.partition("Where it went wrong")[2].partition("<h3>")[0]
    assert "nothing went wrong" in wrong
    assert "<article" not in wrong
    assert "<article" in found, "typical and best ones are still shown"


def test_a_key_of_another_history_stands_with_the_model_that_it_is_of() -> None:
    other = model(answer(target="C", prompt="Which other one?", text="C"), name="other")
    [*_, first, second] = table(strips(model(answer(), name="first"), other))
    assert "Right here" not in first[1]
    assert "Right here: C" in second[1]
    assert "Asked here: Which other one?" in second[1]


def test_a_model_that_lacks_a_turn_has_an_empty_cell_there() -> None:
    [*_, second] = table(strips(model(answer(1), answer(2)), model(answer(1), name="second")))
    assert second[2] == "not asked"


def test_a_turn_that_has_no_key_has_no_right_answer() -> None:
    found = table(strips(model(answer(1), answer(2, target=None, answer_strict=None), image(3))))
    assert found[2] == ["Right answer", "B", "no key", ""]
    assert not [row for row in table(strips(model(image(1), image(2)))) if row[0] == "Right answer"]


def test_what_is_cut_is_counted() -> None:
    models = [model(*(answer(turn) for turn in range(1, 21)), name=f"model {place}") for place in range(11)]
    found = seen(strips(*models))
    assert "Not shown: 4 more turns, 3 more models." in found


def test_the_model_that_a_strip_is_of_is_never_left_out() -> None:
    models = [model(answer(1), name=f"model {place}") for place in range(12)]
    models.append(model(answer(1, text="A", answer_strict=0.0), name="bad"))
    assert "bad" in [row[0].split()[0] for row in table(strips(*models))]


def test_links_lead_to_rows_of_the_list(tmp_path: Path) -> None:
    page = written(large_scores(2, 10, 4), tmp_path)
    targets = re.findall(r'href="#(dialogue-\d+)"', page.section("dialogues"))
    assert targets
    ids = re.findall(r'id="([^"]+)"', page.raw)
    assert {*targets} <= {*ids}
    assert len(ids) == len({*ids})


def test_what_others_wrote_never_reaches_an_anchor(make_scores: Any, tmp_path: Path) -> None:
    scores = make_scores(dialogues=2)
    for row in scores.items:
        row["dialogue"] = f'"><b id="x">{row["dialogue"]}'
    page = written([scores], tmp_path)
    assert '<b id="x">' not in page.raw
    assert all(re.fullmatch(r"[\w-]+", str(value)) for name, value in page.attributes if name == "id")


def test_a_copy_is_named_in_its_cell() -> None:
    [*_, found] = table(strips(model(image(1, copy=None), image(2, copy=1.0))))
    assert "Copy" not in found[1]
    assert "Copy yes" in found[2]


def test_without_records_there_is_no_section() -> None:
    assert dialogues(Report([model()])) is None


def test_the_intro_speaks_of_what_there_is_to_judge_by() -> None:
    keyless = answer(target=None, answer_strict=None, reading=None)
    assert "most wrong answers" in strips(model(answer()))
    assert "wrong" not in strips(model(keyless, image(2))).partition("<h3")[0].replace("went wrong", "")
    assert "lowest mean of all scores" in strips(model(keyless, image(2, retrieval=0.5)))
