# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A whole run: what is written where, how a later run goes on, and what is refused."""

from __future__ import annotations

import asyncio
import json
import threading
import time

import numpy as np
import pytest

from imug_metrics.errors import ArgumentError
from imug_metrics.inference import ModelError, Reply, SpendLimits, infer
from imug_metrics.inference.turn import Answer, Candidate
from imug_metrics.judges.journal import Journal, JournalLockedError


@pytest.fixture
def benchmark(tmp_path):
    """Three dialogues of three turns: text, image, text."""
    folder = tmp_path / "benchmark"
    (folder / "data").mkdir(parents=True)
    write(folder, *(row(i) for i in (1, 2, 3)))
    return folder


def row(i: int, words: str = "") -> dict:
    tasks = [
        {"turn": t, "modality": m, "input": [{"text": f"{m} {i}.{t}{words}"}], "output": {"answer": "A"}}
        for t, m in enumerate(("text", "image", "text"), 1)
    ]
    return {"domain": "D", "subdomain": "s", "sample_id": str(i), "tasks": tasks}


def write(folder, *rows: dict) -> None:
    (folder / "data/benchmark.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


class Scripted:
    """Replies with how many messages it was shown, and keeps what it was asked; fails where a prompt is in `fails`."""

    name = "scripted"

    def __init__(self, *fails: str) -> None:
        self.fails, self.asked, self.seeds, self.shown = fails, [], [], []

    def __call__(self, history, *, want, seed):
        prompt = history[-1].text
        self.asked.append(prompt)
        self.seeds.append(seed)
        self.shown.append([message.text for message in history])
        if prompt in self.fails:
            raise ModelError("no memory")
        return Reply(f"({len(history)})", f"{prompt} {seed}".encode(), {"tokens": 10.0 * len(history), "seconds": 1.0})


def result(tmp_path, i: int, out="out", name="scripted") -> list[str]:
    path = tmp_path / out / name / f"D/s/question_{i}/result.json"
    return [task["model_response"] for task in json.loads(path.read_text())["tasks"]]


def test_histories_grow_with_the_models_own_outputs(benchmark, tmp_path):
    model = Scripted()
    found = infer(model, benchmark, tmp_path / "out")
    assert model.asked[:3] == ["text 1.1", "image 1.2", "text 1.3"]
    assert model.shown[2] == ["text 1.1", "(1)", "image 1.2", "", "text 1.3"]
    assert result(tmp_path, 1) == ["(1)", "turn_2_output.png", "(5)"]
    assert (found.models, found.stopped, found.problems[0].level) == (("scripted",), None, "warning")
    assert found.spent == {"requests": 9.0, "tokens": 3 * 90.0, "seconds": 9.0, "images": 9.0}


def test_isolated_turns_see_nothing_of_each_other(benchmark, tmp_path):
    model = Scripted()
    infer(model, benchmark, tmp_path / "out", isolated=True)
    assert all(len(shown) == 1 for shown in model.shown)


def test_the_cost_of_each_turn_lies_beside_the_outputs(benchmark, tmp_path):
    infer(Scripted(), benchmark, tmp_path / "out")
    turns = json.loads((tmp_path / "out/.scripted/D/s/question_2.json").read_text())["turns"]
    assert [turn["costs"] for turn in turns] == [
        {"requests": 1.0, "seconds": 1.0, "tokens": tokens, "images": 1.0} for tokens in (10.0, 30.0, 50.0)
    ]


def test_a_finished_run_asks_nothing(benchmark, tmp_path):
    infer(Scripted(), benchmark, tmp_path / "out")
    again = Scripted()
    assert infer(again, benchmark, tmp_path / "out").spent == {"requests": 0.0}
    assert not again.asked


def test_without_its_result_a_dialogue_is_written_again_from_recorded_replies(benchmark, tmp_path):
    infer(Scripted(), benchmark, tmp_path / "out")
    folder = tmp_path / "out/scripted/D/s/question_1"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for path in folder.iterdir():
        path.unlink()
    again = Scripted()
    infer(again, benchmark, tmp_path / "out")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert not again.asked


def cut(path):
    path.write_bytes(path.read_bytes()[:-30])


def remove(path):
    path.unlink()


@pytest.mark.parametrize(
    ("name", "damage"), [("result.json", cut), ("result.json", remove), ("turn_2_output.png", remove)]
)
def test_half_a_result_and_one_without_its_image_do_not_count(benchmark, tmp_path, name, damage):
    infer(Scripted(), benchmark, tmp_path / "out")
    path = tmp_path / "out/scripted/D/s/question_1" / name
    before = path.read_bytes()
    damage(path)
    again = Scripted()
    infer(again, benchmark, tmp_path / "out")
    assert path.read_bytes() == before
    assert not again.asked


def test_a_dialogue_that_has_changed_is_answered_anew(benchmark, tmp_path):
    infer(Scripted(), benchmark, tmp_path / "out")
    write(benchmark, row(1), row(2, "!"), row(3), row(4))
    again = Scripted()
    infer(again, benchmark, tmp_path / "out")
    assert again.asked == ["text 2.1!", "image 2.2!", "text 2.3!", "text 4.1", "image 4.2", "text 4.3"]


def test_another_system_prompt_is_another_dialogue_though_the_result_does_not_tell_it(benchmark, tmp_path):
    write(benchmark, row(1), {**row(2), "system_prompt": "Be brief."})
    infer(Scripted(), benchmark, tmp_path / "out")
    write(benchmark, {**row(1), "note": "asks nothing"}, {**row(2), "system_prompt": "Think."})
    again = Scripted()
    infer(again, benchmark, tmp_path / "out")
    assert again.asked == ["text 2.1", "image 2.2", "text 2.3"]
    assert json.loads((tmp_path / "out/scripted/D/s/question_1/result.json").read_text())["note"] == "asks nothing"


def test_a_log_of_anything_is_kept_as_far_as_it_can_be(benchmark, tmp_path):
    class Logging:
        name = "logging"

        async def answer(self, turn):
            reply = await turn.reply()
            return Answer(reply.wanted(turn.want), log={"score": float("nan"), "path": tmp_path, "seen": {1}})

    infer(Scripted(), benchmark, tmp_path / "out", strategy=Logging(), limit=1)
    turns = json.loads((tmp_path / "out/.scripted/D/s/question_1.json").read_text())["turns"]
    assert turns[0]["log"] == {"score": None, "path": str(tmp_path), "seen": [1]}


def test_outputs_of_another_tool_are_kept(benchmark, tmp_path):
    folder = tmp_path / "out/scripted/D/s/question_2"
    folder.mkdir(parents=True)
    tasks = [{"turn": t, "model_response": "by hand"} for t in (1, 2, 3)]
    (folder / "result.json").write_text(json.dumps({"tasks": tasks}))
    model = Scripted()
    infer(model, benchmark, tmp_path / "out")
    assert result(tmp_path, 2) == ["by hand"] * 3
    assert len(model.asked) == 6


def test_failed_turns_stay_until_they_are_asked_again(benchmark, tmp_path):
    first = infer(Scripted("image 2.2"), benchmark, tmp_path / "out")
    assert result(tmp_path, 2)[1] == "ERROR: no memory"
    told = [problem.message for problem in first.problems if "failed" in problem.message]
    assert told == ["the turn failed: no memory"]
    second = infer(Scripted(), benchmark, tmp_path / "out")
    assert [problem.message for problem in second.problems if "failed" in problem.message] == told
    model = Scripted()
    infer(model, benchmark, tmp_path / "out", retry_errors=True)
    assert model.asked == ["image 2.2", "text 2.3"]  # the history of the last turn is another now
    assert result(tmp_path, 2) == ["(1)", "turn_2_output.png", "(5)"]


def test_no_image_of_an_earlier_run_passes_for_one_of_this(benchmark, tmp_path):
    infer(Scripted(), benchmark, tmp_path / "out")
    infer(Scripted("image 2.2"), benchmark, tmp_path / "out", overwrite=True)
    assert not list((tmp_path / "out/scripted/D/s/question_2").glob("*.png"))


def test_overwriting_forgets_everything(benchmark, tmp_path):
    infer(Scripted(), benchmark, tmp_path / "out", strategy="direct")
    model = Scripted()
    infer(model, benchmark, tmp_path / "out", history="reference", overwrite=True, limit=1)
    assert len(model.asked) == 0  # an image turn has no reference
    assert not list((tmp_path / "out/scripted").rglob("result.json"))
    assert json.loads((tmp_path / "out/.scripted/run.json").read_text())["history"] == "reference"


def test_settings_that_asked_nothing_are_no_earlier_run(benchmark, tmp_path):
    class Silent(Scripted):
        def __call__(self, history, *, want, seed):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        infer(Silent(), benchmark, tmp_path / "out", seed=7)
    assert not (tmp_path / "out/.scripted/journal.jsonl").read_bytes()
    infer(Scripted(), benchmark, tmp_path / "out")
    assert result(tmp_path, 1)[0] == "(1)"


def test_what_is_wrong_with_the_benchmark_stands_among_the_problems(benchmark, tmp_path):
    write(benchmark, {**row(1), "domain": ".."}, row(2))
    found = infer(Scripted("text 2.1"), benchmark, tmp_path / "out")
    written = (tmp_path / "out/.scripted/problems.jsonl").read_text()
    assert len(written.splitlines()) == len(found.problems)
    assert "names of folders" in written
    assert "no memory" in written


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"seed": 1}, "seed 0, now 1"),
        ({"isolated": True}, "isolated false, now true"),
        ({"history": "mixed:0.5"}, 'history "own", now "mixed:0.5"'),
        ({"strategy": "cot"}, 'strategy "direct", now "cot"'),
    ],
)
def test_other_settings_need_another_folder(benchmark, tmp_path, changed, told):
    infer(Scripted(), benchmark, tmp_path / "out")
    with pytest.raises(ArgumentError, match=told):
        infer(Scripted(), benchmark, tmp_path / "out", **changed)


def test_another_model_under_the_same_name_is_refused(benchmark, tmp_path):
    infer(Scripted(), benchmark, tmp_path / "out")
    model = Scripted()
    model.settings = "temperature 0"
    with pytest.raises(ArgumentError, match="scripted temperature 0"):
        infer(model, benchmark, tmp_path / "out")


def test_samples_are_runs_with_seeds_of_their_own(benchmark, tmp_path):
    model = Scripted()
    found = infer(model, benchmark, tmp_path / "out", samples=2)
    assert list(found.arms) == ["sample_1", "sample_2"]
    assert found.arms["sample_2"].outputs == tmp_path / "out/sample_2"
    assert result(tmp_path, 1, "out/sample_2")[0] == "(1)"
    assert len(set(model.seeds)) == 18
    alone = Scripted()
    infer(alone, benchmark, tmp_path / "alone")
    assert alone.seeds == model.seeds[:9]


def test_context_lengths_are_runs_of_their_own(benchmark, tmp_path):
    model = Scripted()
    found = infer(model, benchmark, tmp_path / "out", contexts=(8, 12))
    assert list(found.arms) == ["context_8", "context_12"]
    turns = json.loads((tmp_path / "out/context_12/.scripted/D/s/question_2.json").read_text())["turns"]
    assert turns[0]["context"]["budget"] == 12
    assert turns[0]["context"]["fillers"] > 0
    assert model.shown[0][-1] == "text 1.1"


def test_a_limit_ends_the_run_and_the_next_one_goes_on(benchmark, tmp_path):
    asked = []
    for expected in (4, 4, 1):
        model = Scripted()
        found = infer(model, benchmark, tmp_path / "out", limits=SpendLimits(requests=4))
        asked += model.asked
        assert len(model.asked) == expected
        assert (found.stopped is None) == (expected == 1)
    whole = Scripted()
    infer(whole, benchmark, tmp_path / "whole")
    assert asked == whole.asked
    for i in (1, 2, 3):
        assert result(tmp_path, i) == result(tmp_path, i, "whole")


def test_what_is_under_way_when_a_limit_is_met_is_recorded(benchmark, tmp_path):
    asked = []

    async def model(history, *, want, seed):
        asked.append(seed)
        await asyncio.sleep(0.05)
        return "A" if want == "text" else b"image"

    call = {"name": "m", "strategy": "best-of:4:majority", "concurrency": 4, "limits": SpendLimits(requests=3)}
    stopped = [infer(model, benchmark, tmp_path / "out", **call).stopped for _ in range(10)]
    assert stopped[-1] is None
    assert len(asked) == len(set(asked)) == 3 * (4 + 1 + 4)  # an image turn has but one: none of it selects


def test_costs_are_kept_whatever_the_domain_is_called(benchmark, tmp_path):
    write(benchmark, row(1) | {"domain": "scratch"})
    for _ in range(2):
        infer(Scripted(), benchmark, tmp_path / "out")
    assert (tmp_path / "out/.scripted/scratch/s/question_1.json").is_file()


def test_a_model_that_is_gone_stops_the_run(benchmark, tmp_path):
    write(benchmark, *(row(i) for i in range(1, 20)))

    def gone(history, *, want, seed):
        raise ConnectionError("no route")

    found = infer(gone, benchmark, tmp_path / "out")
    assert found.spent["requests"] == 20
    assert "no route" in found.stopped
    assert len(list((tmp_path / "out").rglob("result.json"))) == 6


@pytest.mark.parametrize("concurrency", [1, 3])
def test_requests_at_a_time_are_bounded(benchmark, tmp_path, concurrency):
    running, most, lock = 0, 0, threading.Lock()

    def slow(history, *, want, seed):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with lock:
            running -= 1
        return "A" if want == "text" else b"png"

    infer(slow, benchmark, tmp_path / "out", concurrency=concurrency)
    assert most == concurrency


def test_dialogues_side_by_side_leave_the_same_outputs(benchmark, tmp_path):
    write(benchmark, *(row(i) for i in range(1, 9)))
    for out, concurrency in (("one", 1), ("many", 5)):
        infer(Scripted(), benchmark, tmp_path / out, concurrency=concurrency)
    first, second = (
        {
            path.relative_to(tmp_path / out): path.read_bytes()
            for path in (tmp_path / out).rglob("*.*")
            if path.suffix in (".png", ".json")
        }
        for out in ("one", "many")
    )
    assert first == second


def test_progress_counts_dialogues(benchmark, tmp_path):
    seen = []
    infer(Scripted(), benchmark, tmp_path / "out", name="n", progress=lambda *told: seen.append(told))
    assert seen == [("n", done, 3) for done in (1, 2, 3)]


def test_a_second_process_is_refused(benchmark, tmp_path):
    (tmp_path / "out/.scripted").mkdir(parents=True)
    with Journal(tmp_path / "out/.scripted/journal.jsonl"), pytest.raises(JournalLockedError):
        infer(Scripted(), benchmark, tmp_path / "out")


def test_candidates_are_written_in_their_order_with_their_scores(benchmark, tmp_path):
    class Best:
        name = "best"

        async def answer(self, turn):
            from imug_metrics.inference.turn import Answer, Candidate

            first, second = [await turn.within(i).reply() for i in (1, 2)]
            made = [reply.wanted(turn.want) for reply in (first, second)]
            return Answer(made[1], (Candidate(made[0], 0.25), Candidate(made[1])), log={"picked": 2})

    infer(Scripted(), benchmark, tmp_path / "out", strategy=Best())
    folder = tmp_path / "out/scripted/D/s/question_1"
    tasks = json.loads((folder / "result.json").read_text())["tasks"]
    assert tasks[1]["candidates"] == [
        {"model_response": "turn_2_output_1.png", "score": 0.25},
        {"model_response": "turn_2_output_2.png"},
    ]
    assert (folder / "turn_2_output.png").read_bytes() == (folder / "turn_2_output_2.png").read_bytes()
    turns = json.loads((tmp_path / "out/.scripted/D/s/question_1.json").read_text())["turns"]
    assert (turns[1]["log"], turns[1]["costs"]["requests"]) == ({"picked": 2}, 2.0)


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        ({"name": "../up"}, "name"),
        ({"name": ".hidden"}, "name"),
        ({"samples": 0}, "samples"),
        ({"concurrency": True}, "concurrency"),
        ({"limit": 0}, "limit"),
        ({"contexts": (0,)}, "contexts"),
        ({"contexts": "4k"}, "contexts"),
        ({"contexts": (8, 8)}, "contexts"),
        ({"contexts": (2**30,)}, "contexts"),
        ({"seed": "x"}, "seed"),
        ({"isolated": True, "history": "reference"}, "isolated"),
        ({"references": "nowhere", "history": "reference"}, "references"),
        ({"references": "."}, "references"),
        ({"history": "mine"}, "history"),
        ({"strategy": "best"}, "strategy"),
        ({"model": "gpt"}, "model"),
        ({"model": 7}, "model"),
    ],
)
def test_arguments_are_checked_before_anything_is_asked(benchmark, tmp_path, arguments, argument):
    model = Scripted()
    with pytest.raises(ArgumentError, match=f"`{argument}`"):
        infer(**{"model": model, "benchmark": benchmark, "out": tmp_path / "out", **arguments})
    assert not model.asked
    assert not (tmp_path / "out").exists()


def test_the_outputs_do_not_lie_in_the_benchmark(benchmark):
    with pytest.raises(ArgumentError, match="out"):
        infer(Scripted(), benchmark, benchmark / "out")


def test_scores_are_numbers_that_json_holds(benchmark, tmp_path):
    class Scored:
        name = "scored"

        async def answer(self, turn):
            output = (await turn.reply()).wanted(turn.want)
            scores = (np.float32(0.5), float("nan"), None)
            return Answer(output, tuple(Candidate(output, score) for score in scores))

    infer(Scripted(), benchmark, tmp_path / "out", strategy=Scored())
    path = tmp_path / "out/scripted/D/s/question_1/result.json"
    candidates = json.loads(path.read_text())["tasks"][0]["candidates"]
    assert [each.get("score") for each in candidates] == [0.5, None, None]


def test_a_selector_that_fails_is_told_by_its_name(benchmark, tmp_path):
    (tmp_path / "mine.py").write_text("def grade(prompt, output):\n    raise KeyError('key')\n")
    with pytest.raises(ArgumentError, match="grade fails with KeyError"):
        infer(Scripted(), benchmark, tmp_path / "out", strategy=f"best-of:2:python:{tmp_path}/mine.py:grade")
