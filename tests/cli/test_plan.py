# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""`imug-metrics plan`: from the folder that `score` writes, and from assumptions."""

from __future__ import annotations

import json

import pytest

from imug_metrics.evaluation.plan import plan_comparison

ASSUMED = ("--p", 0.7, "--correlation", 0.2, "--turns", 5)


def test_plan_of_a_scored_run_is_that_of_the_call(command) -> None:
    command.mend("steady", "fading", "copying")
    assert command.score() == 0
    assert command.run("plan", "--from", command.out, "--difference", 0.05) == 0
    plan = plan_comparison(command.out, 0.05)
    rows = {line.split("  ")[0].strip(): line.split() for line in command.said.splitlines() if " vs " in line}
    assert list(rows) == [" vs ".join(pair.models) for pair in plan.pairs]
    for pair in plan.pairs:
        told = rows[" vs ".join(pair.models)][3:]
        assert told == [str(pair.dialogues), str(pair.records), f"{pair.smallest:.3f}", str(pair.needed), "!"]
    pairs = {(row["dialogue"], row["turn"]) for row in command.rows("items.jsonl") if row["answer_strict"] is not None}
    assert {pair.records for pair in plan.pairs} == {len(pairs)}


def test_metric_and_models_are_chosen(command) -> None:
    assert command.score() == 1
    options = ("--from", command.out, "--difference", 0.05, "--metric", "turn_consistency")
    assert command.run("plan", *options, "--model", "steady", "fading") == 0
    assert "steady vs fading" in command.said
    assert "copying" not in command.said
    assert "turn_consistency" in command.said
    assert command.run("plan", *options, "--model", "steady", "--between", 0.3) == 0
    assert "steady vs another" in command.said


def test_assumptions_give_a_number_without_a_run(command) -> None:
    assert command.run("plan", *ASSUMED, "--difference", 0.05) == 0
    assert [line.split() for line in command.said.splitlines() if "assumed " in line] == [
        ["assumed", "–", "–", "–", "240"]
    ]
    assert "design effect 1.8" in command.said
    assert command.run("plan", *ASSUMED, "--difference", 0.05, "--comparisons", 3) == 0
    assert "3 comparisons" in command.said


def test_a_pair_that_cannot_be_planned_is_told_by_the_exit_code(command) -> None:
    command.out.mkdir()
    entries = [
        {"model": model, "dialogue": "x", "turn": 1, "modality": "text", "answer_strict": 1.0} for model in ("a", "b")
    ]
    (command.out / "items.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    assert command.run("plan", "--from", command.out, "--difference", 0.05) == 1
    assert "fewer than two dialogues" in command.said


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--difference", 0.05), "--from, --p"),
        (("--difference", 0.05, "--from", "nowhere", *ASSUMED), "--from, --p"),
        (("--difference", 0.05, "--from", "nowhere"), "--from: expected a folder with items.jsonl"),
        (("--difference", 0.05, "--from", "nowhere", "--turns", 3), "--turns: expected together with --p"),
        (("--difference", 0.05, *ASSUMED, "--model", "a"), "--model: expected together with --from"),
        (("--difference", 0.05, *ASSUMED, "--metric", "point_score"), "--metric: expected together with --from"),
        (("--difference", 0.05, "--p", 0.5, "--turns", 4), "--correlation"),
        (("--difference", 0.05, "--p", 0.5, "--correlation", 0.2), "--turns"),
        (("--difference", -0.05, *ASSUMED), "--difference"),
        (("--difference", "nan", *ASSUMED), "--difference"),
        (("--difference", 0.05, *ASSUMED, "--power", 1.2), "--power"),
        (("--difference", 0.05, *ASSUMED, "--repeats", 3), "--repeats"),
        (("--difference", 0.05, *ASSUMED, "--repeats", 3, "--repeat-variance", 9), "--repeat-variance"),
        (ASSUMED, "--difference"),
        (("--difference", "much", *ASSUMED), "--difference"),
    ],
)
def test_what_is_not_as_expected_names_its_flag(command, arguments, named) -> None:
    assert command.run("plan", *arguments) == 2
    assert named in command.warned


def test_a_model_that_was_not_scored_names_its_flag(command) -> None:
    assert command.score() == 1
    assert command.run("plan", "--from", command.out, "--difference", 0.05, "--model", "nobody") == 2
    assert "--model: expected models of the results" in command.warned
