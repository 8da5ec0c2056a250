# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Parts of an evaluation that were scored apart are one again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imug_metrics.cli import main
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation import evaluate, merge_states
from imug_metrics.report.files import to_json
from imug_metrics.suite import ImugSuite, Record

COLUMNS = "dialogue=id,turn=t,text=reply,target=key"


def table(path: Path, dialogues: range) -> Path:
    rows = [f"{d},{t},{'AB'[(d + t) % 2]},{'AB'[d % 2]},{(d * t) % 5}" for d in dialogues for t in (1, 2)]
    path.write_text("\n".join(["id,t,reply,key,judge", *rows]) + "\n", encoding="utf-8")
    return path


def score(path: Path, *more: object) -> int:
    columns = ("--columns", COLUMNS + ",score.judge=judge", "--model", "mine")
    return main([str(argument) for argument in ("score", path, *columns, *more)])


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    root = tmp_path_factory.mktemp("parts")
    for place, dialogues in enumerate((range(5), range(5, 12))):
        assert score(table(root / f"{place}.csv", dialogues), "--state", root / "new" / f"{place}.states") == 0
    return [root / "new" / f"{place}.states" for place in (0, 1)]


def test_merged_parts_say_what_one_file_of_all_says(parts, tmp_path, capsys) -> None:
    assert main(["merge", *map(str, parts), "--out", str(tmp_path / "all.states"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    whole = score_of(table(tmp_path / "all.csv", range(12)), tmp_path / "whole.states")
    found = said["models"]["mine"]
    numbers = {name for name, value in whole.items() if isinstance(value, float)}
    assert {name: found[name] for name in numbers} == pytest.approx({name: whole[name] for name in numbers}, abs=1e-12)
    assert {name: found[name] for name in found.keys() - numbers} == {n: whole[n] for n in whole.keys() - numbers}
    capsys.readouterr()
    assert main(["merge", str(tmp_path / "all.states"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == said


def score_of(path: Path, state: Path) -> dict[str, float | str | None]:
    assert score(path, "--state", state) == 0
    found: dict[str, float | str | None] = to_json(merge_states(state).scores["mine"])
    return found


def test_the_scores_are_printed_as_tables(parts, capsys) -> None:
    assert main(["merge", *map(str, parts)]) == 0
    said = capsys.readouterr().out
    assert "Scores by model" in said
    assert "judge" in said


def test_dialogues_that_are_in_two_parts_are_told_once(parts, capsys, recwarn) -> None:
    assert main(["merge", str(parts[0]), str(parts[0])]) == 1
    warned = capsys.readouterr().err
    assert warned.count("about 5 of 10 dialogues had been counted before") == 1
    assert not [warning for warning in recwarn if "counted before" in str(warning.message)]


def test_what_is_no_part_is_refused_by_name(parts, tmp_path, capsys) -> None:
    cut = tmp_path / "cut.states"
    cut.write_bytes(parts[0].read_bytes()[:-100])
    text = table(tmp_path / "run.csv", range(2))
    for wrong, told in (
        (cut, "expected it to be whole"),
        (text, "expected it to be a state that `to_bytes` has written"),
    ):
        assert main(["merge", str(parts[0]), str(wrong)]) == 2
        assert f"PART: {wrong}: {told}" in " ".join(capsys.readouterr().err.split())
    assert main(["merge", str(tmp_path / "nothing")]) == 3


def test_parts_that_were_scored_otherwise_are_refused(parts, tmp_path, capsys) -> None:
    other = tmp_path / "zero.states"
    assert score(table(tmp_path / "run.csv", range(20, 22)), "--missing", "zero", "--state", other) == 0
    capsys.readouterr()
    assert main(["merge", str(parts[0]), str(other)]) == 2
    assert "missing='zero', here 'skip'" in capsys.readouterr().err


def test_states_are_of_files_alone_and_never_written_over_them(tmp_path, capsys) -> None:
    path = table(tmp_path / "run.csv", range(2))
    assert score(path, "--state", path) == 2
    assert score(path, "--state", tmp_path) == 2
    assert main(["score", "--benchmark", "a", "--outputs", "b", "--state", "c"]) == 2
    assert "--state: expected together with FILE" in capsys.readouterr().err


def test_a_suite_of_a_loop_of_ones_own_is_a_part(tmp_path, capsys) -> None:
    suite = ImugSuite()
    suite.update([Record("a", 1, "text", "Which?", text="B", target="B")])
    (tmp_path / "one").write_bytes(suite.to_bytes())
    assert main(["merge", str(tmp_path / "one"), "--model", "steady"]) == 0
    assert "steady" in capsys.readouterr().out


def test_an_evaluation_that_kept_no_states_says_so(tmp_path) -> None:
    found = evaluate([Record("a", 1, "text", "Which?", text="B", target="B")])
    with pytest.raises(ArgumentError, match="`keep_states`: expected True"):
        found.save_states(tmp_path / "states")
    with pytest.raises(ArgumentError, match="`keep_states`: expected together with records"):
        evaluate(benchmark=tmp_path, outputs=tmp_path, keep_states=True)


def test_merged_states_are_written_to_a_file(parts, tmp_path, capsys) -> None:
    assert main(["merge", *map(str, parts), "--out", str(tmp_path)]) == 2
    assert f"--out: expected a file, {tmp_path} is a folder" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
