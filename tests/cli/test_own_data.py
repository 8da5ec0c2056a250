# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""`imug-metrics score FILE` and `convert FILE OUT`: own data of any format to scores, and mistakes that are told."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from PIL import Image

import imug_metrics
from imug_metrics.cli import main
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation.files import read_files
from imug_metrics.formats import READERS

QUESTION = "Какого цвета? A. красный B. синий"


def chat(dialogue: str, *answers: str, image: str | None = None, **line: object) -> dict:
    """A dialogue whose key is always B; with an image it ends in a drawing."""
    messages: list[dict] = []
    for answer in answers:
        messages += [{"role": "user", "content": QUESTION, "target": "B"}, {"role": "assistant", "content": answer}]
    if image is not None:
        part = {"type": "image_url", "image_url": {"url": image}}
        messages += [{"role": "user", "content": "Нарисуй кота."}, {"role": "assistant", "content": [part]}]
    return {"id": dialogue, **line, "messages": messages}


def write(path: str, *lines: object) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def table(path: str, *rows: tuple) -> None:
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


@pytest.fixture
def here(tmp_path: Path, demo: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of files as people have them, which is the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    write("chat.jsonl", chat("ж", "(B)", "A"), chat("ü", "B"))
    write("other.jsonl", chat("ж", "B", "B"), chat("ü", "A"))
    write("drawn.jsonl", chat("ж", "B", image="pics/cat.png"), chat("猫", image="pics/cat.png"))
    write("only_drawn.jsonl", chat("猫", image="pics/cat.png"))
    write("gone.jsonl", chat("ж", "B", image="pics/lost.png"))
    write("named.jsonl", chat("a", "B", model="x"), chat("a", "A", model="y"))
    write("part/chat.jsonl", chat("z", "B"))
    write("broken.jsonl", chat("a", "B"), {"id": "b", "messages": "oops"}, chat("c", "A"))
    write("unreadable.jsonl", {"id": "b", "messages": "oops"})
    table("scores.csv", ("id", "t", "s, mean"), ("a", 1, 0.5), ("a", 2, 0.25), ("b", 1, 1.0), ("b", 2, 0.75))
    table("judged.csv", ("dialogue", "turn", "score.j"), *((name, 1, 1 + (name == "a")) for name in "abcdefgh"))
    table("replies.csv", ("id", "t", "reply"), ("a", 1, "red"), ("b", 1, "blue"))
    Path("pics").mkdir()
    Image.new("RGB", (48, 48), "red").save("pics/cat.png")
    for name in ("benchmark", "outputs"):
        (tmp_path / name).symlink_to(demo / name)
    return tmp_path


def run(*arguments: str) -> int:
    try:
        return main(arguments)
    except SystemExit as stop:  # argparse leaves this way
        return int(str(stop.code))


def summary(out: str = "out") -> dict:
    return json.loads(Path(out, "summary.json").read_text(encoding="utf-8"))["models"]


def test_one_command_from_a_file_to_scores(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(here.iterdir())
    assert run("score", "chat.jsonl") == 0
    said = capsys.readouterr()
    assert "chat" in said.out
    assert "0.67" in said.out
    assert sorted(here.iterdir()) == before
    assert run("score", "chat.jsonl", "--out", "out") == 0
    expected = imug_metrics.evaluate(imug_metrics.read_records("chat.jsonl")).scores["chat"]
    assert summary()["chat"]["answer_accuracy"] == expected["answer_accuracy"] == pytest.approx(2 / 3)
    assert {"report.html", "items.jsonl", "problems.jsonl"} <= {path.name for path in Path("out").iterdir()}


def test_several_files_are_several_models(here: Path) -> None:
    assert run("score", "chat.jsonl", "--out", "out", "other.jsonl") == 0  # argparse alone would refuse the second
    found = {name: scores["answer_accuracy"] for name, scores in summary().items()}
    assert found == pytest.approx({"chat": 2 / 3, "other": 2 / 3})


def test_figures_are_written_beside_the_report_when_asked_for(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("score", "chat.jsonl", "other.jsonl", "--out", "out", "--figures")
    files = sorted(path.name for path in Path("out/figures").iterdir() if path.suffix != ".json")
    assert {"curve_answer_accuracy.svg", "curve_answer_accuracy.pdf", "slopes.pdf"} <= set(files)
    assert f"{len(files)} files in out/figures" in capsys.readouterr().out
    assert run("score", "chat.jsonl", "--figures") == 2
    assert "--out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "models"),
    [
        (("named.jsonl",), ["x", "y"]),
        (("named.jsonl", "--model", "y"), ["y"]),
        (("chat.jsonl", "--model", "mine"), ["mine"]),
        (("chat.jsonl", "part/chat.jsonl", "--model", "mine"), ["mine"]),  # parts of one model
        (("chat.jsonl", "part/chat.jsonl"), ["{here}_chat", "part_chat"]),  # files of one name
        (("named.jsonl", "chat.jsonl", "--model", "x", "chat"), ["x", "chat"]),
    ],
)
def test_what_models_are_called(here: Path, arguments: tuple[str, ...], models: list[str]) -> None:
    assert run("score", *arguments, "--out", "out") == 0
    assert list(summary()) == [name.replace("{here}", here.name) for name in models]


@pytest.mark.parametrize(
    "columns", [["dialogue=id,turn=t,score=s, mean"], ["dialogue=id, turn=t", "--columns", "score=s, mean"]]
)
def test_columns_of_any_name(here: Path, columns: list[str]) -> None:
    assert run("score", "scores.csv", "--columns", *columns, "--out", "out") == 0
    items = [json.loads(line) for line in Path("out/items.jsonl").read_text().splitlines()]
    assert [(row["dialogue"], row["turn"]) for row in items] == [("a", 1), ("a", 2), ("b", 1), ("b", 2)]
    read = imug_metrics.read_records("scores.csv", columns={"dialogue": "id", "turn": "t", "score": "s, mean"})
    assert [list(record.scores.values()) for record in read["scores"]] == [[0.5], [0.25], [1.0], [0.75]]


def test_scores_keep_to_the_range_that_is_named_for_them(here: Path) -> None:
    assert run("score", "judged.csv", "--out", "any") == 0
    assert run("score", "judged.csv", "--score-range", "j=1:5", "--out", "out") == 0
    assert summary("any")["judged"]["j_lower"] < 1 <= summary()["judged"]["j_lower"]
    assert json.loads(Path("out/manifest.json").read_text(encoding="utf-8"))["score_ranges"] == {"j": [1.0, 5.0]}
    assert "score_ranges" not in json.loads(Path("any/manifest.json").read_text(encoding="utf-8"))


def test_wrong_lines_are_listed_and_the_others_scored(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("score", "broken.jsonl", "--out", "out") == 1
    assert "broken.jsonl:2: messages" in capsys.readouterr().err
    [problem] = [json.loads(line) for line in Path("out/problems.jsonl").read_text().splitlines()]
    assert (problem["file"], problem["line"], problem["level"]) == ("broken.jsonl", 2, "error")
    assert summary()["broken"]["answer_accuracy"] == 0.5
    assert len(imug_metrics.evaluate(imug_metrics.read_records("broken.jsonl")).problems) == 1


def test_keys_of_words_are_told_and_compared_by_their_kind(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = [("зонт", "зонт"), ("2", "2 собаки"), ("two dogs", "dogs")]
    turns = [({"role": "user", "content": "?", "target": key}, {"role": "assistant", "content": a}) for key, a in said]
    write("words.jsonl", {"id": "ж", "messages": [message for turn in turns for message in turn]})
    assert run("score", "words.jsonl") == 0
    told = capsys.readouterr()
    assert (
        "3 of 3 keys name no option of their question, so their turns are not scored: the first is 'зонт'" in told.err
    )
    assert "not above chance" not in told.out
    for kind, score in (("exact", 1 / 3), ("f1", (1 + 2 / 3 + 2 / 3) / 3), ("numeric", 1.0)):
        assert run("score", "words.jsonl", "--kind", kind, "--out", kind) == 0
        assert summary(kind)["words"][f"answer_accuracy_{kind}"] == pytest.approx(score)
        told = capsys.readouterr().err
        assert ("2 of 3 keys hold no number" in told) == (kind == "numeric")
    assert json.loads(Path("f1/manifest.json").read_text())["kind"] == "f1"
    assert run("score", "--benchmark", "benchmark", "--outputs", "outputs", "--kind", "f1") == 2
    records = imug_metrics.read_records("words.jsonl")
    assert imug_metrics.evaluate(records, kind="exact").scores["words"]["answer_accuracy_exact"] == pytest.approx(1 / 3)
    with pytest.raises(ArgumentError, match=r"`kind`: expected one of .*did you mean `exact`"):
        imug_metrics.evaluate(records, kind="exakt")


def test_what_nothing_can_be_scored_of_says_what_was_not_read(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    question = {"role": "user", "content": "?", "labell": "зонт"}
    write("odd.jsonl", {"id": "a", "messages": [question, {"role": "assistant", "content": "зонт"}]})
    assert run("score", "odd.jsonl") == 2
    told = capsys.readouterr().err
    assert "nothing to score" in told
    assert "odd.jsonl:1: messages[0].labell: unknown key, is not read; did you mean `label`" in told


def test_images_without_an_encoder_are_left_out_and_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("score", "drawn.jsonl", "--out", "out") == 0
    said = capsys.readouterr().err
    assert "no encoder was named, so images are not scored. To score them add --encoder: for photographs" in said
    assert "2 of 3 turns are images, which were not scored" in said
    scores = summary()["drawn"]
    assert scores["answer_accuracy"] == 1.0
    assert not [key for key in scores if key.startswith(("turn_alignment", "turn_consistency", "turn_retrieval"))]
    assert run("score", "drawn.jsonl", "--encoder", "scene", "--out", "out") == 0
    assert summary()["drawn"]["turn_alignment"] is not None
    assert "rendered scenes" in capsys.readouterr().err


def test_a_call_without_an_encoder_is_told_which_there_are(here: Path) -> None:
    with pytest.raises(ArgumentError, match=r"encoder for images \(drawn, dialogue ж, turn 2\), got none: for photo"):
        imug_metrics.evaluate(imug_metrics.read_records("drawn.jsonl"))


def test_an_image_that_is_not_there_is_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("score", "gone.jsonl", "--encoder", "scene") == 1
    assert "lost.png" in capsys.readouterr().err


WRONG = [
    ((), "FILE: expected files of your own data, or --benchmark and --outputs"),
    (("--model", "mine", "chat.jsonl"), "is chat.jsonl one? Name it before --model"),
    (("chat.jsonl", "--benchmark", "benchmark"), "--benchmark, FILE: expected one of them"),
    (("outputs", "--outputs", "outputs"), "--benchmark DIR --outputs outputs alone"),
    (("outputs",), "FILE: outputs holds outputs of a benchmark; did you mean --benchmark DIR --outputs outputs?"),
    (("outputs/steady",), "did you mean --benchmark DIR --outputs"),
    (("chat.jsonl", "--judged", "outputs"), "--judged: expected together with --benchmark, not with FILE"),
    (("chat.jsonl", "--judge-model", "m"), "--judge-model: expected together with --benchmark"),
    (("chat.jsonl", "--limit", "3"), "--limit: expected together with --benchmark"),
    (("chat.jsonl", "--repeats", "3"), "--repeats: expected together with --benchmark"),
    (("chat.jsonl", "--frobnicate"), "unrecognized arguments: --frobnicate"),
    (("none.jsonl",), "FILE: expected a file or folder that can be read, got none.jsonl"),
    (("chat.jsonl", "none.jsonl"), "FILE: expected a file or folder that can be read, got none.jsonl"),
    (("chat.jsonl", "chat.jsonl"), "FILE: expected files of different names"),
    (("chat.jsonl", "other.jsonl", "--model", "m"), "both hold turn 1 of dialogue 'ж' of the model 'm'"),
    (("named.jsonl", "--model", "z"), "--model: expected one of the models (x, y), got 'z'"),
    (("chat.jsonl", "--format", "opnai"), "--format: expected one of openai,"),
    (("pics/cat.png",), "FILE: pics/cat.png is of no known format: found an image"),
    (("unreadable.jsonl",), "FILE: unreadable.jsonl is of no known format"),
    (("unreadable.jsonl", "--format", "openai"), "FILE: found no record in unreadable.jsonl"),
    (("scores.csv", "--columns", "dialogue=id,turn=tt"), "--columns: scores.csv has no column 'tt'"),
    (("scores.csv", "--columns", "dialog=id"), "got 'dialog'; did you mean `dialogue`?"),
    (("scores.csv", "--columns", "id=dialogue"), "got 'id=dialogue'; did you mean dialogue=id?"),
    (("scores.csv", "--columns", "id"), "--columns: expected FIELD=COLUMN, got 'id'"),
    (("scores.csv", "--columns", "dialogue=id", "turn=t"), "--columns: expected one text, FIELD=COLUMN,FIELD=COLUMN"),
    (("--columns", "dialogue=id,turn=tt", "scores.csv"), "--columns: scores.csv has no column 'tt'"),
    (("scores.csv", "--columns", "turn=t,turn=t"), "--columns: expected each field once, got turn again"),
    (("scores.csv", "--columns", "="), "--columns: expected FIELD=COLUMN, got '='"),
    (("scores.csv", "--columns", "dialogue=id,turn=t"), "its columns are id, t, s, mean"),
    (("replies.csv", "--columns", "dialogue=id,turn=t"), "--columns: found no key, no score and no image"),
    (
        ("judged.csv", "--score-range", "j=0:1"),
        "--score-range: expected to have 'j' in [0, 1], got 2 of dialogue 'a', turn 1",
    ),
    (("judged.csv", "--score-range", "k=0:5"), "--score-range: expected scores that records carry (j), got 'k'"),
    (("chat.jsonl", "--score-range", "k=0:5"), "--score-range: expected scores that records carry (none), got 'k'"),
    (("judged.csv", "--score-range", "j=5:1"), "--score-range: expected to hold two finite numbers for 'j'"),
    (("judged.csv", "--score-range", "j=low:5"), "--score-range: expected NAME=LOW:HIGH, got 'j=low:5'"),
    (("judged.csv", "--score-range", "=0:5"), "--score-range: expected NAME=LOW:HIGH, got '=0:5'"),
    (("judged.csv", "--score-range", "j=0:5", "j=1:5"), "--score-range: expected each score once, got j again"),
    (("--score-range", "j=0:5", "judged.csv"), "is judged.csv one? Name it before --score-range"),
    (("chat.jsonl", "--score-range", "judged.csv"), "is judged.csv a file? Name it before --score-range"),
    (("only_drawn.jsonl",), "--encoder: expected one, as only_drawn.jsonl holds images and nothing else to score"),
    (("chat.jsonl", "--encoder", "clip"), "--encoder: expected scene, open_clip:"),
    (("chat.jsonl", "--device", "gpu"), "--device: expected one of cpu"),
    (("drawn.jsonl", "--images", "nowhere"), "--images: expected a folder, got nowhere"),
    (("chat.jsonl", "--out", "chat.jsonl"), "--out: expected a folder, chat.jsonl is a file"),
    (("--benchmark", "benchmark"), "--outputs: expected together with --benchmark"),
    (("--outputs", "outputs"), "--benchmark: expected together with --outputs"),
    (("--benchmark", "benchmark", "--outputs", "outputs", "--columns", "turn=t"), "--columns: expected together with"),
    (
        ("--benchmark", "benchmark", "--outputs", "outputs", "--score-range", "j=1:5"),
        "--score-range: expected together",
    ),
    (("--benchmark", "benchmark", "--outputs", "outputs", "--judge-local", "m"), "--out: expected a folder, which"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG, ids=[" ".join(given) or "nothing" for given, _ in WRONG])
def test_a_mistake_is_told_and_nothing_is_written(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    before = sorted(here.rglob("*"))
    assert run("score", *arguments) == 2
    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said
    assert sorted(here.rglob("*")) == before


def test_a_report_is_never_written_over_what_is_read(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write("kept/items.jsonl", chat("a", "B"))
    content = Path("kept/items.jsonl").read_bytes()
    assert run("score", "kept/items.jsonl", "--out", "kept") == 2
    assert "--out: expected a folder outside of kept/items.jsonl" in capsys.readouterr().err
    assert Path("kept/items.jsonl").read_bytes() == content


def test_the_benchmark_is_scored_without_a_report_as_well(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(here.iterdir())
    assert run("score", "--benchmark", "benchmark", "--outputs", "outputs", "--model", "steady") in (0, 1)
    assert "steady" in capsys.readouterr().out
    assert sorted(here.iterdir()) == before


def test_convert_writes_what_reads_the_same(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("convert", "drawn.jsonl", "new/all.jsonl", "--model", "mine") == 0
    assert "new/all.jsonl: 3 turns of 2 dialogues, models: mine; read as openai" in capsys.readouterr().out
    first, again = imug_metrics.read_records("drawn.jsonl")["drawn"], imug_metrics.read_records("new/all.jsonl")
    assert list(again) == ["mine"]
    for one, other in zip(first, again["mine"], strict=True):
        assert (one.dialogue, one.turn, one.text, one.target) == (other.dialogue, other.turn, other.text, other.target)
        assert (one.image is None) == (other.image is None)
        if isinstance(one.image, Path):
            assert isinstance(other.image, Path)
            assert one.image.read_bytes() == other.image.read_bytes()


def test_convert_takes_tables_and_folders(here: Path) -> None:
    columns = ("--columns", "dialogue=id,turn=t,score=s, mean")
    assert run("convert", "scores.csv", "scores.jsonl", *columns) == 0
    [scores] = imug_metrics.read_records("scores.jsonl").values()
    assert [list(record.scores.values()) for record in scores] == [[0.5], [0.25], [1.0], [0.75]]
    assert run("convert", "outputs/steady", "steady.jsonl", "--benchmark", "benchmark") in (0, 1)
    assert imug_metrics.read_records("steady.jsonl")["steady"]


def test_convert_lists_what_it_leaves_out(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("convert", "broken.jsonl", "whole.jsonl") == 1
    assert "broken.jsonl:2: messages" in capsys.readouterr().err
    assert run("convert", "gone.jsonl", "whole.jsonl") == 1
    assert "lost.png" in capsys.readouterr().err
    assert len(imug_metrics.read_records("whole.jsonl")["gone"]) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("chat.jsonl", "chat.jsonl"), "OUT: expected a place outside of chat.jsonl"),
        (("chat.jsonl", "pics"), "OUT: expected a file, such as pics/chat.jsonl, got the folder pics"),
        (("none.jsonl", "new.jsonl"), "FILE: expected a file or folder that can be read"),
        (("chat.jsonl", "new.jsonl", "--model", "x", "y"), "--model: expected one of the models (chat), got 'x'"),
        (("scores.csv", "new.jsonl", "--columns", "dialog=id"), "--columns: expected fields of a record"),
        (("chat.jsonl", "new.jsonl", "--format", "csv"), "--format: expected one of"),
        (("chat.jsonl",), "OUT"),
    ],
)
def test_mistakes_of_convert_are_told(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    before = sorted(here.rglob("*"))
    assert run("convert", *arguments) == 2
    assert message in capsys.readouterr().err
    assert sorted(here.rglob("*")) == before


def test_files_can_be_read_by_a_reader_of_ones_own(here: Path) -> None:
    read = read_files([Path("chat.jsonl")], format=READERS[0])
    assert read.format == READERS[0].name
    assert len(read["chat"]) == 3


@pytest.mark.parametrize(("kind", "taken"), [("score", "judge_n"), ("cost", "judge_growth")])
def test_names_of_scores_and_costs_that_are_taken_are_told_in_one_line(
    here: Path, capsys: pytest.CaptureFixture[str], kind: str, taken: str
) -> None:
    head = ("dialogue", "turn", "prompt", "response", "target", f"{kind}.judge", f"{kind}.{taken}")
    table("scores.csv", head, ("a", 1, QUESTION, "B", "B", 0.5, 0.5))
    assert main(["score", "scores.csv"]) == 3
    told = capsys.readouterr().err
    assert f"the data cannot be scored: Expected argument `{kind}s` to have other names" in told
    assert taken in told
    assert "Traceback" not in told
