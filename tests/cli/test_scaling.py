# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The command `scaling` on runs of the demo's model: what it reads, what it scores, and what it writes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from imug_metrics.functional import best_of_n_curve
from imug_metrics.protocols import imug
from imug_metrics.protocols.imug.candidates import read_candidates


def tasks(run: Path) -> list[Path]:
    return sorted(run.glob("*/*/question_*/result.json"))


def change(result: Path, edit: Any) -> None:
    content = json.loads(result.read_text())
    for task in content["tasks"]:
        edit(task, result.parent)
    result.write_text(json.dumps(content))


@pytest.fixture
def runs(command) -> tuple[Path, Path]:
    """Plain: the demo's model. Bon: three candidates a turn, with scores that put the right ones first."""
    command.mend("steady", "fading")
    plain, bon = command.root / "runs" / "plain", command.root / "runs" / "bon"
    shutil.copytree(command.outputs / "steady", plain)
    shutil.copytree(command.outputs / "steady", bon)
    keys = {}
    for sample in imug.read_benchmark(command.benchmark, imug.Problems()):
        for task in sample.tasks:
            keys[f"{sample.domain}/{sample.subdomain}/question_{sample.sample_id}", task.turn] = task.answer

    def add(task: dict[str, Any], folder: Path) -> None:
        key = keys[str(folder.relative_to(bon)), task["turn"]]
        task["cost"] = {"tokens": 300}
        if key is not None:
            wrong = "A" if key != "A" else "B"
            task["candidates"] = [
                {"model_response": wrong, "score": 0.2},
                {"model_response": key, "score": 0.9},
                {"model_response": wrong, "score": 0.1},
            ]
            return
        others = sorted(command.outputs.glob(f"*/{folder.relative_to(bon)}/turn_{task['turn']}_output.png"))
        for i, path in enumerate(others):
            shutil.copy(path, folder / f"turn_{task['turn']}_output_{i}.png")

    for result in tasks(bon):
        change(result, add)
    for result in tasks(plain):
        change(result, lambda task, _: task.update(cost={"tokens": 100}))
    return plain, bon


def scaling(command, *more: object) -> int:
    common = ("--benchmark", command.benchmark, "--out", command.out, "--encoder", "tiny")
    return command.run("scaling", *common, *more)


def test_runs_are_compared_on_answers_and_images(command, runs) -> None:
    plain, bon = runs
    assert scaling(command, "--runs", f"plain={plain}", f"bon={bon}") == 0
    found = command.json("scaling.json")
    answers = found["answers"]["overall"]["all"]
    assert answers["strategy_comparison_score_bon"] == 1, "the scores put the right answer first"
    assert answers["strategy_comparison_gain_bon"] == pytest.approx(1 - answers["strategy_comparison_score_plain"])
    assert answers["strategy_comparison_cost_tokens_bon"] == 300
    assert answers["strategy_comparison_cost_outputs_bon"] == 3
    images = found["alignment"]["overall"]["all"]
    assert images["strategy_comparison_gain_bon"] == 0, "no scores to select by: its own image counts"
    assert set(found["answers"]) == {"overall", "class", "domain", "turn", "best_of_n", "random_picks"}
    curve = found["answers"]["best_of_n"]["bon"]
    assert curve["best_of_n_single"] == pytest.approx(1 / 3)
    assert curve["best_of_n_selected_3"] == 1
    assert "best_of_n_selected_2" not in found["alignment"]["best_of_n"]["bon"], "there the oracle is all there is"
    assert found["alignment"]["best_of_n"]["bon"]["best_of_n_oracle_3"] > 0


def test_report_can_be_read_without_a_network(command, runs) -> None:
    plain, bon = runs
    assert scaling(command, "--runs", f"plain={plain}", f"a|<b>={bon}") == 0
    page = (command.out / "scaling.html").read_text()
    assert "<svg" in page
    assert "http" not in page.replace("http-equiv", "")
    assert "a|<b>" not in page
    lines = [line for line in (command.out / "scaling.md").read_text().splitlines() if line.startswith("| a\\|")]
    assert lines
    assert "<b>" not in lines[0]
    assert "strategy" in command.said


def test_only_the_first_candidates_are_used_where_asked(command, runs) -> None:
    plain, bon = runs
    assert scaling(command, "--runs", f"plain={plain}", f"one={bon}:1", f"two={bon}:2") == 0
    found = command.json("scaling.json")["answers"]
    assert found["overall"]["all"]["strategy_comparison_score_one"] == 0
    assert found["overall"]["all"]["strategy_comparison_score_two"] == 1
    assert set(found["best_of_n"]) == {"two"}


def test_a_run_of_candidates_alone_counts_a_random_one_and_says_so(command, runs) -> None:
    plain, bon = runs

    def strip(task: dict[str, Any], folder: Path) -> None:
        if "candidates" in task:
            task["candidates"] = [row["model_response"] for row in task["candidates"]]
            del task["model_response"]

    for result in tasks(bon):
        change(result, strip)
    assert scaling(command, "--runs", f"plain={plain}", f"bon={bon}") == 0
    found = command.json("scaling.json")["answers"]
    assert found["overall"]["all"]["strategy_comparison_score_bon"] == pytest.approx(1 / 3)
    assert found["random_picks"]["bon"] > 0
    assert "a random one counts" in command.warned


def test_bootstrap_gives_the_bounds(command, runs) -> None:
    plain, bon = runs
    arguments = ("--runs", f"plain={plain}", f"bon={bon}", "--baseline", "bon", "--bootstrap", "50")
    assert scaling(command, *arguments) == 0
    found = command.json("scaling.json")["answers"]["overall"]["all"]
    assert found["strategy_comparison_gain_plain"] < 0
    assert found["strategy_comparison_gain_plain_p"] >= 1 / 51


def test_names_that_would_meet_in_the_report_are_refused(command, runs) -> None:
    plain, bon = runs
    assert scaling(command, "--runs", f"plain={plain}", f"bon={bon}", f"bon_p={bon}") == 2
    assert "gain_bon_p is made twice" in command.warned
    assert not command.out.exists()


def test_costs_of_many_or_hostile_kinds_are_limited(command, runs) -> None:
    """What a comparison keeps grows with the square of the kinds, and a key may be made only once."""
    plain, bon = runs
    many = {f"kind{i}": 1 for i in range(3000)}
    change(tasks(bon)[0], lambda task, _: task.update(cost=many | {"tokens": 300}))
    change(tasks(bon)[1], lambda task, _: task.update(cost={"outputs": 99, "tokens": 1e300}))
    assert scaling(command, "--runs", f"plain={plain}", f"bon={bon}") == 1
    found = command.json("scaling.json")["answers"]["overall"]["all"]
    assert found["strategy_comparison_cost_outputs_bon"] == 3, "counted, whatever the run says"
    assert found["strategy_comparison_cost_tokens_bon"] == 300
    kinds = [key for key in found if key.startswith("strategy_comparison_cost_") and key.endswith("_bon")]
    assert len(kinds) <= 9
    assert "kinds of cost were found" in command.warned
    said = {row["field"].split(": ")[-1]: row["level"] for row in command.rows("problems.jsonl")}
    assert said["cost.outputs"] == "warning"
    assert said["cost.tokens"] == "error"


def test_costs_whose_keys_would_meet_are_left_out(command, runs) -> None:
    plain, bon = runs
    for result in tasks(plain):
        change(result, lambda task, _: task.update(cost={"a": 1, "a_b": 1}))
    assert scaling(command, "--runs", f"c={plain}", f"b_c={bon}") == 0
    assert "cost a_b is left out" in command.warned
    assert command.json("scaling.json")["answers"]["overall"]["all"]["strategy_comparison_cost_a_c"] == 1


def test_costs_of_all_candidates_are_not_those_of_the_first(command, runs) -> None:
    plain, bon = runs
    assert scaling(command, "--runs", f"plain={plain}", f"all={bon}", f"three={bon}:3", f"two={bon}:2") == 0
    found = command.json("scaling.json")["answers"]["overall"]["all"]
    for name in ("all", "three"):
        assert found[f"strategy_comparison_cost_tokens_{name}"] == 300
    assert found["strategy_comparison_cost_tokens_two"] is None
    assert found["strategy_comparison_cost_outputs_two"] == 2


def test_the_report_says_how_many_turns_each_k_rests_on(command, runs) -> None:
    plain, bon = runs
    turns = 0
    for result in tasks(bon):
        turns += sum("candidates" in task for task in json.loads(result.read_text())["tasks"])

    def cut(task: dict[str, Any], _: Path) -> None:
        if "candidates" in task:
            del task["candidates"][2:]

    change(tasks(bon)[0], cut)
    cut_off = sum("candidates" in task for task in json.loads(tasks(bon)[0].read_text())["tasks"])
    assert scaling(command, "--runs", f"plain={plain}", f"bon={bon}") == 0
    curve = command.json("scaling.json")["answers"]["best_of_n"]["bon"]
    assert [curve[f"best_of_n_records_{k}"] for k in (1, 2, 3)] == [turns, turns, turns - cut_off]
    lines = (command.out / "scaling.md").read_text().split("best of k candidates")[1].splitlines()
    assert [line.split("|")[2].strip() for line in lines if line.startswith("| 3 |")] == [str(turns - cut_off)]


def test_groups_are_counted_whatever_the_last_run_lacks(command, runs) -> None:
    plain, bon = runs
    lost = tasks(bon)[0].parent
    shutil.rmtree(lost)
    assert scaling(command, "--runs", f"plain={plain}", f"copy={plain}", f"bon={bon}") == 1
    domain = command.json("scaling.json")["answers"]["domain"][lost.parent.parent.name]
    assert domain["strategy_comparison_records"] > domain["strategy_comparison_n"], "the latter counts pairs of bon"
    name = lost.parent.parent.name.replace("_", r"\_")
    row = f"| {name} | {domain['strategy_comparison_records']} |"
    assert row in (command.out / "scaling.md").read_text()


def test_the_terminal_shows_how_much_a_run_covers(command, runs, monkeypatch) -> None:
    """Eighty columns hold the gains; costs are in the report."""
    plain, bon = runs
    monkeypatch.setenv("COLUMNS", "80")
    shutil.rmtree(tasks(bon)[0].parent)
    assert scaling(command, "--runs", f"plain={plain}", f"bon={bon}") == 1
    coverage = command.json("scaling.json")["answers"]["overall"]["all"]["strategy_comparison_coverage_bon"]
    assert 0 < coverage < 1
    line = next(line for line in command.said.splitlines() if line.split()[:1] == ["bon"])
    assert line.split()[1] == f"{coverage:.3g}"
    assert "tokens" not in command.said


def test_files_outside_of_the_run_are_not_followed(command, runs) -> None:
    plain, bon = runs
    image = next(bon.glob("*/*/question_*/turn_*_output_0.png"))
    target = command.root / "secret.png"
    shutil.move(image, target)
    image.symlink_to(target)
    assert scaling(command, "--runs", f"plain={plain}", f"bon={bon}") == 1
    assert any(row["file"] == str(image) and "not followed" in row["message"] for row in command.rows("problems.jsonl"))


@pytest.mark.parametrize("value", [7, {"a": 1}, [7], [{"model_response": 3}], "text", None])
def test_malformed_candidates_are_told_and_do_not_stop_the_run(command, runs, value) -> None:
    plain, bon = runs
    change(tasks(bon)[0], lambda task, _: task.update(candidates=value, cost=value))
    assert scaling(command, "--runs", f"plain={plain}", f"bon={bon}") == 1
    assert any("expected" in row["message"] for row in command.rows("problems.jsonl"))


def test_a_damaged_candidate_is_told_and_left_out(command, runs) -> None:
    plain, bon = runs
    image = next(bon.glob("*/*/question_*/turn_*_output_1.png"))
    image.write_bytes(b"no image")
    assert scaling(command, "--runs", f"plain={plain}", f"bon={bon}") == 1
    assert any(row["file"] == str(image) for row in command.rows("problems.jsonl"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("plain={plain}",), "two runs or more"),
        (("plain={plain}", "plain={bon}"), "different names"),
        (("plain={plain}", "bon"), "NAME=DIR"),
        (("plain={plain}", "bon={bon}:0"), "from 1"),
        (("plain={plain}", "bon={bon}:²"), "existing folder"),
        (("plain={plain}", "bon=nowhere"), "existing folder"),
    ],
)
def test_wrong_runs_are_refused(command, runs, arguments, message) -> None:
    plain, bon = runs
    assert scaling(command, "--runs", *(text.format(plain=plain, bon=bon) for text in arguments)) == 2
    assert message in command.warned
    assert not command.out.exists()


def test_unknown_baseline_and_an_out_that_is_read_are_refused(command, runs) -> None:
    plain, bon = runs
    both = ("--runs", f"plain={plain}", f"bon={bon}")
    assert scaling(command, *both, "--baseline", "cot") == 2
    assert scaling(command, *both, "--bootstrap", "-1") == 2
    command.out = bon / "report"
    assert scaling(command, *both) == 2


def test_what_is_read_is_what_lies_there(command, runs) -> None:
    _, bon = runs
    problems = imug.Problems()
    samples = imug.read_benchmark(command.benchmark, problems)
    entries = list(read_candidates(samples, bon, problems))
    assert not problems.errors
    for entry in entries:
        if entry.record.modality == "text":
            assert len(entry.outputs) == len(entry.scores) == 3
        else:
            assert [path.name[-5] for path in entry.outputs] == [str(i) for i in range(len(entry.outputs))]
    scores = torch.tensor([entry.scores for entry in entries if entry.record.modality == "text"])
    right = (scores > 0.5).double()
    assert best_of_n_curve(right, scores, k=3) == 1
