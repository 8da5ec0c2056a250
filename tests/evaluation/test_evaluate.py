# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A whole run as a library call: on records, on the demo's folders, kept and read again."""

from __future__ import annotations

import json
import math
import shutil
import sys
from pathlib import Path

import pytest
import torch

import imug_metrics
from imug_metrics import Evaluation, Record, TurnAlignment, TurnDecay, evaluate
from imug_metrics.cli import main
from imug_metrics.demo import write_demo_benchmark
from imug_metrics.encoders import CallableEncoder
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation import Settings, Strategy, check_data, evaluate_gain, evaluate_scaling, result


def answers(texts: str, dialogue: str = "a") -> list[Record]:
    return [Record(dialogue, turn, "text", "Which?", text=text, target="A") for turn, text in enumerate(texts, 1)]


def colours() -> CallableEncoder:
    return CallableEncoder(
        lambda images: torch.stack([image.float().mean((1, 2)) / 255 for image in images]),
        lambda texts: torch.tensor([[float(text.count(letter) + 1) for letter in "aeo"] for text in texts]),
        name="colours",
        fingerprint="colours",
        dim=3,
    )


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("demo")
    write_demo_benchmark(root, dialogues=4, seed=3)
    return root


@pytest.fixture(scope="module")
def evaluation(demo: Path) -> Evaluation:
    return evaluate(benchmark=demo / "benchmark", outputs=demo / "outputs", encoder=colours())


def same(first: dict[str, float], second: dict[str, float]) -> bool:
    pairs = [(first[name], second.get(name, 0.5)) for name in first]
    return first.keys() == second.keys() and all(a == b or (math.isnan(a) and math.isnan(b)) for a, b in pairs)


def test_records_of_one_model_need_no_name_and_no_encoder() -> None:
    found = evaluate(iter(answers("AB")))
    assert list(found.scores) == ["model"]
    assert found.scores["model"]["answer_accuracy"] == 0.5
    assert found.coverage["model"]["answer_accuracy"] == 1.0
    assert not found.problems
    scores, changes = found.tables()
    assert [row["Model"] for row in scores.records()] == ["model"]
    assert {row["Model"] for row in changes.records()} == {"model"}


def test_models_by_name_are_scored_apart() -> None:
    found = evaluate({"left": answers("AA"), "right": iter(answers("BA"))})
    assert [found.scores[model]["answer_accuracy"] for model in ("left", "right")] == [1.0, 0.5]


def test_metrics_of_ones_own_are_copied_and_take_the_place_of_the_standard_ones() -> None:
    metric = TurnDecay(detail=True)
    metric.update([[1.0, 0.0]])
    found = evaluate(answers("AB"), metrics=[metric], model="mine")
    assert found.scores["mine"]["turn_decay"] == -1.0
    assert found.scores["mine"]["turn_decay_n"] == 2
    assert not any(name.startswith("answer_accuracy") for name in found.scores["mine"])
    assert float(metric.compute()["turn_decay_n"]) == 2, "what it has seen stays as it was"


def judged(*values: float, name: str = "judge") -> list[Record]:
    return [Record(f"d{n}", 1, "text", "Which?", text="A", scores={name: value}) for n, value in enumerate(values)]


def test_scores_of_records_keep_to_the_range_that_is_declared() -> None:
    records = {"left": judged(*[5.0] * 9, 4.0), "right": judged(0.0, 1.0, name="other")}
    free = evaluate(records)
    found = evaluate(records, score_ranges={"judge": (1, 5)})
    assert found.scores["left"]["judge"] == free.scores["left"]["judge"] == 4.9
    assert found.scores["left"]["judge_upper"] <= 5 < free.scores["left"]["judge_upper"]
    assert found.manifest["score_ranges"] == {"judge": (1.0, 5.0)}
    assert "score_ranges" not in free.manifest


def test_a_model_without_the_score_of_a_range_is_not_told(recwarn: pytest.WarningsRecorder) -> None:
    evaluate({"left": judged(1.0), "right": judged(0.0, name="other")}, score_ranges={"judge": (1, 5)})
    assert not [str(warning.message) for warning in recwarn if "score_ranges" in str(warning.message)]


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        ({"judge": (1, 3)}, r"'judge' in \[1, 3\], got 4 of dialogue 'd1', turn 1 of mine"),
        ({"jugde": (1, 5)}, r"scores that records carry \(judge\), got 'jugde'; did you mean `judge`"),
        ({"judge": (5, 1)}, "two finite numbers for 'judge', the first below the second"),
        ({"judge": (1, math.inf)}, "two finite numbers"),
        ({"judge": (1, math.nan)}, "two finite numbers"),
        ({"judge": (1, 3, 5)}, "two finite numbers"),
        ({"judge": "15"}, "two finite numbers"),
        ({"judge": 5}, "two finite numbers"),
        ({7: (1, 5)}, "names of scores, got 7"),
        ([("judge", (1, 5))], "ranges by the names of scores"),
    ],
)
def test_a_wrong_range_is_told(ranges: dict, message: str) -> None:
    with pytest.raises(ArgumentError, match=f"`score_ranges`: expected .*{message}"):
        evaluate({"mine": judged(3.0, 4.0)}, score_ranges=ranges)


def test_a_range_of_a_metric_that_is_given_or_of_a_benchmark_is_refused(demo: Path) -> None:
    with pytest.raises(ArgumentError, match="to name no metric, which has a range of its own, got 'judge'"):
        evaluate(judged(3.0), metrics={"judge": TurnDecay()}, score_ranges={"judge": (1, 5)})
    with pytest.raises(ArgumentError, match="together with records, not with `benchmark`"):
        evaluate(benchmark=demo / "benchmark", outputs=demo / "outputs", score_ranges={"judge": (1, 5)})


def test_a_metric_of_ones_own_that_no_record_feeds_is_told() -> None:
    with pytest.warns(UserWarning, match=r"fed to turn_decay, .* needs text turns with a key .*metrics=\{'judge': "):
        found = evaluate(judged(3.0, 4.0), metrics=[TurnDecay()])
    assert "turn_decay" not in found.scores["model"]


def test_images_need_an_encoder_only_where_a_metric_takes_them() -> None:
    records = [*answers("AB"), Record("a", 3, "image", "Draw a ball.", image=None)]
    with pytest.raises(ArgumentError, match=r"`encoder`: .*model, dialogue a, turn 3"):
        evaluate(records)
    assert evaluate(records, metrics=[TurnDecay()]).scores["model"]["turn_decay"] == -1.0
    with pytest.raises(ValueError, match="encoder"):
        evaluate(records, metrics=[TurnAlignment()])


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({}, ("records", "benchmark")),
        ({"records": [], "benchmark": "."}, ("records", "benchmark")),
        ({"records": {}}, ("records",)),
        ({"records": [], "judged": "."}, ("judged",)),
        ({"records": [], "missing": "none"}, ("missing",)),
        ({"benchmark": "."}, ("outputs",)),
        ({"benchmark": "nowhere", "outputs": "."}, ("benchmark",)),
        ({"records": [], "limit": 0}, ("limit",)),
        ({"records": [], "limit": 1.5}, ("limit",)),
        ({"records": {"a": []}, "models": ["a"]}, ("models",)),
        ({"records": [], "metrics": [TurnDecay()], "missing": "zero"}, ("missing",)),
        ({"records": {None: []}}, ("records",)),
        ({"records": ["text"]}, ("records",)),
        ({"records": [{"dialogue": "a", "turn": 1}]}, ("records",)),
        ({"records": Record("a", 1, "text", "Which?")}, ("records",)),
        ({"records": {"a": Path("records.jsonl")}}, ("records",)),
        ({"records": dict.fromkeys("ab", iter(()))}, ("records",)),
    ],
)
def test_wrong_arguments_are_named(arguments: dict, names: tuple[str, ...]) -> None:
    with pytest.raises(ArgumentError) as caught:
        evaluate(**arguments)
    assert caught.value.arguments == names


@pytest.mark.parametrize("name", ["", "..", "a/b", "../up", "a\nb", "é" * 150, 7])
def test_a_name_that_is_no_file_name_is_refused(name: str) -> None:
    with pytest.raises(ArgumentError, match="names of models"):
        evaluate({name: answers("A")})


def test_a_saved_name_does_not_lead_out_of_its_folder(evaluation: Evaluation, tmp_path: Path) -> None:
    evaluation.save(tmp_path / "kept")
    shutil.copy(tmp_path / "kept" / "models" / "steady.json", tmp_path / "kept" / "other.json")
    path = tmp_path / "kept" / "evaluation.json"
    content = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**content, "models": ["../other"]}), encoding="utf-8")
    with pytest.raises(ArgumentError, match="other"):
        Evaluation.load(tmp_path / "kept")


def test_a_saved_model_bears_the_name_of_its_file(evaluation: Evaluation, tmp_path: Path) -> None:
    evaluation.save(tmp_path)
    path = tmp_path / "models" / "steady.json"
    content = json.loads(path.read_text("utf-8"))
    content["scores"]["model"] = "../../up"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ArgumentError, match="steady"):
        Evaluation.load(tmp_path)


@pytest.mark.parametrize(
    "change",
    [{"models": None}, {"manifest": None}, {"classes": [1]}, {"benchmark_problems": [1]}, {"models": [["steady"]]}],
    ids=str,
)
def test_a_saved_evaluation_that_was_changed_is_refused(evaluation: Evaluation, tmp_path: Path, change: dict) -> None:
    evaluation.save(tmp_path)
    path = tmp_path / "evaluation.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **change}), encoding="utf-8")
    with pytest.raises(ArgumentError, match="`folder`"):
        Evaluation.load(tmp_path)


def test_a_save_that_fails_leaves_nothing_that_passes_for_a_whole(
    evaluation: Evaluation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluation.save(tmp_path)
    original = result.write_result

    def full(path: Path, found: object) -> None:
        if path.stem == "steady":
            raise OSError("full")
        original(path, found)

    monkeypatch.setattr(result, "write_result", full)
    with pytest.raises(OSError, match="full"):
        evaluation.save(tmp_path)
    with pytest.raises(ArgumentError, match="saved evaluation"):
        Evaluation.load(tmp_path)


def test_scores_of_two_metrics_under_one_name_are_refused() -> None:
    metrics = {"turn_decay": TurnDecay(detail=True), "turn_decay_mean": TurnDecay()}
    with pytest.raises(ValueError, match="`metrics` to name scores apart, 'turn_decay_mean'"):
        evaluate(answers("AB"), metrics=metrics)


@pytest.mark.parametrize("argument", ["resume", "cache"])
def test_nothing_is_written_into_what_is_read(demo: Path, argument: str) -> None:
    folders = {"benchmark": demo / "benchmark", "outputs": demo / "outputs"}
    for folder in folders.values():
        with pytest.raises(ArgumentError, match=f"`{argument}`: expected a folder outside"):
            evaluate(**folders, encoder=colours(), **{argument: folder / "new"})


def test_a_model_that_is_not_there_is_refused_before_anything_is_written(demo: Path, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="'absent'"):
        evaluate(benchmark=demo / "benchmark", outputs=demo / "outputs", models=["absent"], resume=tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_the_command_writes_what_the_call_gives(
    demo: Path, evaluation: Evaluation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imug_metrics.evaluation.inputs.load_encoder", lambda spec, device=None: colours())
    folders = ("--benchmark", demo / "benchmark", "--outputs", demo / "outputs", "--out", tmp_path / "command")
    main(["score", *map(str, folders), "--encoder", "colours"])
    page = evaluation.report(tmp_path / "call")
    assert page == tmp_path / "call" / "report.html"
    for name in ("summary.json", "per_turn.csv", "items.jsonl", "problems.jsonl", "official/summary.json"):
        assert (tmp_path / "call" / name).read_bytes() == (tmp_path / "command" / name).read_bytes(), name
    kept = Evaluation.load(tmp_path / "command")
    assert all(same(evaluation.scores[model], kept.scores[model]) for model in evaluation.scores)


def test_an_evaluation_that_was_saved_is_read_as_it_was(evaluation: Evaluation, tmp_path: Path) -> None:
    evaluation.save(tmp_path / "kept")
    kept = Evaluation.load(tmp_path / "kept")
    assert all(same(evaluation.scores[model], kept.scores[model]) for model in evaluation.scores)
    assert kept.items == evaluation.items
    reasons = [{found.model: found.scores.reasons for found in each.results} for each in (evaluation, kept)]
    assert reasons[0] == reasons[1]
    assert "dialogues" in reasons[1]["steady"]["turn_alignment_turn_6"], "one of four dialogues has so many turns"
    assert kept.problems == evaluation.problems
    assert kept.table() == evaluation.table()
    kept.report(tmp_path / "a")
    evaluation.report(tmp_path / "b")
    for name in ("summary.json", "manifest.json", "official/summary.json", "official/contents.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_a_result_of_before_the_guard_is_read_and_holds_no_copies(evaluation: Evaluation, tmp_path: Path) -> None:
    evaluation.save(tmp_path)
    for path in (tmp_path / "models").iterdir():
        content = json.loads(path.read_text(encoding="utf-8"))
        scores = content["scores"]
        for part in ("scores", "reasons", "descriptions"):
            scores[part] = {name: value for name, value in scores[part].items() if not name.startswith("copy_guard")}
        path.write_text(json.dumps(content), encoding="utf-8")
    older = Evaluation.load(tmp_path)
    assert all(row["copy"] is None for rows in older.items.values() for row in rows), "they were those by cosine alone"
    assert "Copies" not in older.tables()[0].columns
    assert "=" in older.table(), "copies by cosine mark the consistency of a model as ever"
    found = imug_metrics.compare(older)
    assert "copy_guard" not in [metric.key for metric in found.metrics]
    assert older.report(tmp_path / "out").exists()


def test_a_report_of_records_leaves_no_earlier_official_summary(evaluation: Evaluation, tmp_path: Path) -> None:
    evaluation.report(tmp_path)
    assert (tmp_path / "official" / "summary.json").exists()
    imug_metrics.evaluate(answers("AB")).report(tmp_path)
    assert not [path for path in (tmp_path / "official").iterdir() if path.is_file()]


def test_what_is_no_evaluation_of_this_version_is_refused(evaluation: Evaluation, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="saved evaluation"):
        Evaluation.load(tmp_path)
    evaluation.save(tmp_path)
    path = tmp_path / "evaluation.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**content, "schema": "imug_metrics.evaluation/0"}), encoding="utf-8")
    with pytest.raises(ArgumentError, match=r"evaluation/1.*evaluation/0"):
        Evaluation.load(tmp_path)
    path.write_text(json.dumps(content), encoding="utf-8")
    model = tmp_path / "models" / "steady.json"
    older = {**json.loads(model.read_text(encoding="utf-8")), "schema": "imug_metrics.model/3"}
    del older["scores"]["reasons"]
    for written in (older, {}):
        model.write_text(json.dumps(written), encoding="utf-8")
        with pytest.raises(ArgumentError, match="steady"):
            Evaluation.load(tmp_path)


def test_a_model_whose_reasons_were_changed_is_refused(evaluation: Evaluation, tmp_path: Path) -> None:
    evaluation.save(tmp_path)
    path = tmp_path / "models" / "steady.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["scores"]["reasons"] = ["few"]
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ArgumentError, match="steady"):
        Evaluation.load(tmp_path)


def test_every_json_file_of_ours_says_its_schema(evaluation: Evaluation, tmp_path: Path) -> None:
    evaluation.save(tmp_path)
    evaluation.report(tmp_path)
    official = {"official/summary.json"}
    found = {str(path.relative_to(tmp_path)): json.loads(path.read_text("utf-8")) for path in tmp_path.rglob("*.json")}
    assert len(found) >= 6
    assert [name for name, content in found.items() if ("schema" not in content) != (name in official)] == []


def test_it_says_which_answers_could_not_be_read_and_keeps_that(tmp_path: Path) -> None:
    said = ["B", "I cannot see the image.", "Ich kann das nicht beantworten.", "A cat", "它是红色的", "a blue cup"]
    options = {"A": "a red cup", "B": "a blue cup"}
    records = [
        Record("a", turn, "text", "Which?", text=text, target="B", options=options) for turn, text in enumerate(said, 1)
    ]
    found = imug_metrics.evaluate({"mine": records})
    answers = found.answers_read["mine"]
    assert (answers.read, answers.unread) == ({"answer": 1, "text": 1}, {"declined": 2, "unclear": 2})
    assert found.scores["mine"]["answer_accuracy_unread"] == 4
    found.save(tmp_path)
    assert Evaluation.load(tmp_path).answers_read == found.answers_read


def test_a_dict_in_place_of_a_record_is_named_with_its_row_and_model() -> None:
    records = [*answers("B"), {"dialogue": "b", "turn": 1, "modality": "text", "prompt": "Which?"}]
    with pytest.raises(ArgumentError, match=r"Record\(\*\*row\).*got dict at row 1 of mine"):
        imug_metrics.evaluate({"mine": records})


def test_a_run_goes_on_from_where_it_was_kept(demo: Path, tmp_path: Path) -> None:
    seen = []
    encoder = colours()
    original = encoder.encode_images
    encoder.encode_images = lambda images: (seen.append(len(images)), original(images))[1]
    folders = {"benchmark": demo / "benchmark", "outputs": demo / "outputs", "resume": tmp_path}
    first = evaluate(**folders, encoder=encoder)
    asked = len(seen)
    again = evaluate(**folders, encoder=encoder)
    assert len(seen) == asked > 0
    assert all(same(first.scores[model], again.scores[model]) for model in first.scores)
    assert again.problems == first.problems


def test_progress_names_what_is_done(demo: Path) -> None:
    said = []
    evaluate(
        benchmark=demo / "benchmark",
        outputs=demo / "outputs",
        models=["steady"],
        encoder=colours(),
        progress=lambda *told: said.append(told),
    )
    assert said[-1] == ("steady", 4, 4)


def test_a_frame_has_a_row_for_each_estimate(evaluation: Evaluation) -> None:
    frame = evaluation.to_pandas()
    assert list(frame.columns) == ["model", "score", "value", "lower", "upper"]
    row = frame[(frame.model == "steady") & (frame.score == "turn_alignment")].iloc[0]
    scores = evaluation.scores["steady"]
    assert row["value"] == scores["turn_alignment"]
    assert row["lower"] == scores["turn_alignment_lower"]


def test_limit_and_problems(demo: Path, evaluation: Evaluation) -> None:
    part = evaluate(benchmark=demo / "benchmark", outputs=demo / "outputs", encoder=colours(), limit=1)
    assert part.manifest["samples"] == 1
    assert len(part.items["steady"]) < len(evaluation.items["steady"])
    assert evaluation.problems
    assert len(set(evaluation.problems)) == len(evaluation.problems)


def test_the_other_commands_are_calls_as_well(demo: Path, tmp_path: Path) -> None:
    outputs = demo / "outputs"
    gain = evaluate_gain(demo / "benchmark", outputs, outputs, models=["steady"])
    assert gain.gains["steady"]["overall"]["all turns"]["paired_gain"] == 0.0
    assert "steady" in gain.table()
    assert json.loads(gain.report(tmp_path).read_text("utf-8"))["schema"] == "imug_metrics.gain/1"
    found = evaluate_scaling(
        demo / "benchmark", [Strategy("plain", outputs / "steady"), Strategy("other", outputs / "fading")]
    )
    assert [part.key for part in found.scaling.parts] == ["answers"], "without an encoder images are left out"
    assert "plain" in found.table()
    shutil.copytree(demo / "benchmark", tmp_path / "benchmark")
    (tmp_path / "benchmark" / "config" / "domain_classes.json").unlink()
    assert any("does not exist" in problem.message for problem in check_data(tmp_path / "benchmark").problems)


def test_settings_are_frozen() -> None:
    settings = Settings(records={"m": answers("A")})
    with pytest.raises(AttributeError):
        settings.limit = 3  # type: ignore[misc]


def test_the_public_names_come_without_the_encoders() -> None:
    assert imug_metrics.evaluate is evaluate
    assert not isinstance(sys.modules["imug_metrics.evaluation"].evaluate, type(sys))
