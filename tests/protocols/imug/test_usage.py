# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Files of usage: what a run cost turn by turn and how it was made, written, and read as untrusted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from imug_metrics.protocols import imug
from imug_metrics.protocols.imug.candidates import read_candidates
from imug_metrics.protocols.imug.outputs import MAX_KINDS
from imug_metrics.protocols.imug.usage import TurnUsage, read_usage, run_settings, usage_content, usage_file

KEY = ("Cooking", "pan", "1")


@pytest.fixture
def write(folder):
    """Writes the file of usage of the sample; what is no bytes as JSON."""

    def write(content: Any) -> Path:
        path = usage_file(folder.model, KEY)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return path

    return write


def costs_of(folder) -> list[dict[str, float]]:
    return [dict(record.costs) for record in folder.read()]


def test_what_is_written_is_read_again(folder, write) -> None:
    turns = {
        1: TurnUsage({"requests": 2, "seconds": 0.125}, {"limit": 4}, {"verdicts": [True, None], "by": "né \ud800"}),
        2: TurnUsage(),
        3: TurnUsage({"images": 0}),
    }
    write(usage_content(turns))
    assert read_usage(folder.model, KEY, folder.problems) == turns
    assert folder.said() == folder.said("warning") == []


def test_content_does_not_depend_on_the_order_of_turns() -> None:
    first, second = TurnUsage({"a": 1}), TurnUsage({"a": 2})
    assert usage_content({1: first, 2: second}) == usage_content({2: second, 1: first})


def test_what_json_cannot_hold_is_not_written() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        usage_content({1: TurnUsage(log={"score": float("nan")})})


def test_a_dialogue_without_a_file_has_no_usage_and_no_problem(folder) -> None:
    assert read_usage(folder.model, KEY, folder.problems) == {}
    assert run_settings(folder.model, folder.problems) == {}
    assert not folder.problems


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (b"{", ""),
        ([], ""),
        ({"turns": {}}, "turns"),
        ({"turns": [3]}, "turns[0]"),
        ({"turns": [{"turn": 0}]}, "turns[0]"),
        ({"turns": [{"turn": 1, "costs": []}]}, "turn 1: costs"),
        ({"turns": [{"turn": 1, "log": "x"}]}, "turn 1: log"),
        ({"turns": [{"turn": 1, "context": None}]}, "turn 1: context"),
    ],
)
def test_a_broken_form_is_a_problem(folder, write, content: Any, field: str) -> None:
    write(content)
    found = read_usage(folder.model, KEY, folder.problems)
    assert all(usage == TurnUsage() for usage in found.values())
    assert folder.said() == [("question_1.json", None, field)]


@pytest.mark.parametrize("amount", [-1, "7", None, True, 10**400, 1e300, float("nan"), [1]])
def test_a_bad_cost_is_left_out_and_told(folder, write, amount: Any) -> None:
    write({"turns": [{"turn": 1, "costs": {"tokens": amount, "seconds": 2}}]})
    assert read_usage(folder.model, KEY, folder.problems)[1].costs == {"seconds": 2}
    assert folder.said() == [("question_1.json", None, "turn 1: costs.tokens")]


@pytest.mark.parametrize("name", ["", " x", "a\nb", "tokens_lower", "tokens_turn_2", "tokens_sum", "x" * 41])
def test_a_kind_of_cost_that_would_pass_for_something_else_is_left_out(folder, write, name: str) -> None:
    write({"turns": [{"turn": 1, "costs": {name: 1, "tokens": 2}}]})
    assert read_usage(folder.model, KEY, folder.problems)[1].costs == {"tokens": 2}
    assert len(folder.said()) == 1


def test_of_two_entries_of_a_turn_the_last_counts(folder, write) -> None:
    write({"turns": [{"turn": 1, "costs": {"tokens": 1}}, {"turn": 1, "costs": {"seconds": 2}}]})
    assert read_usage(folder.model, KEY, folder.problems)[1].costs == {"seconds": 2}
    assert folder.said("warning") == [("question_1.json", None, "turn 1")]


def test_a_file_that_leads_out_of_its_folder_is_not_followed(folder, write, tmp_path: Path) -> None:
    path = write({})
    outside = tmp_path / "outside.json"
    outside.write_text(json.dumps({"turns": [{"turn": 1, "costs": {"tokens": 1}}]}))
    path.unlink()
    path.symlink_to(outside)
    (path.parents[2] / "run.json").symlink_to(outside)
    assert read_usage(folder.model, KEY, folder.problems) == {}
    assert run_settings(folder.model, folder.problems) == {}
    assert folder.said() == [("question_1.json", None, ""), ("run.json", None, "")]


def test_the_folder_of_a_model_that_is_named_from_within_has_the_same_usage(folder, write, monkeypatch) -> None:
    path = write({"turns": []})
    monkeypatch.chdir(folder.model / "Cooking")
    assert usage_file(Path(".."), KEY) == path
    monkeypatch.chdir(folder.model)
    assert usage_file(Path(), KEY) == path


def test_settings_of_a_run_are_what_it_wrote(folder, write) -> None:
    path = write({}).parents[2] / "run.json"
    path.write_text(json.dumps({"history": "own", "seed": 3}))
    assert run_settings(folder.model, folder.problems) == {"history": "own", "seed": 3}


def test_records_carry_costs_of_the_usage_file_before_those_of_the_result(folder, write) -> None:
    folder.samples(folder.sample(folder.text(1), folder.image(2), folder.text(3)))
    folder.draw("turn_2_output.png")
    tasks = [
        {"turn": 1, "model_response": "B", "cost": {"tokens": 1, "dollars": 5}},
        {"turn": 2, "model_response": "turn_2_output.png"},
        {"turn": 3, "model_response": "B", "cost": {"tokens": 7}},
    ]
    (folder.question / "result.json").write_text(json.dumps({"tasks": tasks}))
    write(usage_content({1: TurnUsage({"tokens": 2}), 2: TurnUsage({"images": 1})}))
    expected = [{"tokens": 2.0, "dollars": 5.0}, {"images": 1.0}, {"tokens": 7.0}]
    assert costs_of(folder) == expected
    found = read_candidates(folder.read_samples(), folder.model, folder.problems)
    assert [dict(entry.costs) for entry in found] == expected
    assert folder.said() == []


def test_a_failed_turn_has_its_costs(folder, write) -> None:
    folder.samples(folder.sample(folder.text(1)))
    folder.reply((1, "ERROR: out of memory"))
    write(usage_content({1: TurnUsage({"requests": 3})}))
    assert costs_of(folder) == [{"requests": 3.0}]


def test_a_run_has_a_limited_number_of_kinds_of_cost(folder, write) -> None:
    folder.samples(folder.sample(folder.text(1), folder.text(2)))
    folder.reply((1, "B"), (2, "B"))
    write(usage_content({turn: TurnUsage({f"kind{turn}{i}": i for i in range(10)}) for turn in (1, 2)}))
    assert [len(costs) for costs in costs_of(folder)] == [10, MAX_KINDS - 10]
    assert folder.said("warning") == [("question_1", None, "cost")]


def test_the_hidden_folder_is_no_model(folder, write) -> None:
    write({"turns": []})
    assert imug.list_models(folder.model.parent) == ["mine"]
