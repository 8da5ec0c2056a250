# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Every reader of the package, with files as other programs save them: marks, ends of lines, other encodings."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from imug_metrics.evaluation import Evaluation, read_human
from imug_metrics.evaluation.item_scores import metric_spec, read_item_scores
from imug_metrics.judges import JudgeRequest
from imug_metrics.judges.journal import Answer, Journal, address_of
from imug_metrics.protocols import imug, unim
from imug_metrics.protocols.imug.dynamic import read_dynamic_links
from imug_metrics.protocols.imug.grid import read_boards, truth_file
from imug_metrics.protocols.imug.judged import key_file, point_file, read_keys, read_points
from imug_metrics.protocols.imug.outputs import read_replies
from imug_metrics.protocols.imug.samples import CLASSES, LINKS, SAMPLES, read_samples
from imug_metrics.protocols.imug.usage import read_usage, run_settings, usage_file
from imug_metrics.protocols.unim.captions import item_content, read_captions
from imug_metrics.quality.code import code_quality
from imug_metrics.quality.text import text_quality
from imug_metrics.reading.files import Problems, read_json, read_jsonl
from imug_metrics.report.files import schema

MARK = b"\xef\xbb\xbf"
KEY = {"domain": "Küche", "subdomain": "Töpfe", "sample_id": "1"}
SAMPLE = SimpleNamespace(key=tuple(KEY.values()), tasks=[SimpleNamespace(turn=1)], **KEY)
TASK = {"turn": 1, "modality": "text", "input": [{"text": "Où est-il ?"}], "output": {"answer": "B"}}
RECORD = {"id": 1, "domain": "général", "output": {"content": "Voilà une porte", "modal": {"image1": "à gauche"}}}


class Reader(NamedTuple):
    """A file, and what reads it: from the folder, with problems to be collected."""

    name: str
    text: str
    read: Callable[[Path, Problems], Any]


def lines(*rows: Any) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def whole(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def _prompts(folder: Path) -> tuple[str, str]:
    (folder / "eval_prompt.txt").write_text("Score it.")
    found = imug.OfficialPrompts(folder)
    return found.dynamic, found.image


def _samples(folder: Path, problems: Problems) -> Any:
    if not (folder / SAMPLES).is_file():
        (folder / SAMPLES).write_text(lines({**KEY, "tasks": [TASK]}), encoding="utf-8")
    found = read_samples(folder, problems)
    problems[:] = [problem for problem in problems if "domain_classes.json: does not exist" not in str(problem)]
    return found


READERS = (
    Reader("a.json", whole({"é": ["à gauche"]}), lambda folder, problems: read_json(folder / "a.json", problems)),
    Reader(
        "a.jsonl", lines({"é": 1}, {"à": 2}), lambda folder, problems: list(read_jsonl(folder / "a.jsonl", problems))
    ),
    Reader(str(SAMPLES), lines({**KEY, "tasks": [TASK]}, {**KEY, "sample_id": "2", "tasks": [TASK]}), _samples),
    Reader(str(LINKS), lines({**KEY, "reference_links": [{"turn_idx": 1, "refs": []}]}), _samples),
    Reader(str(CLASSES), whole({"räumlich": ["Küche"]}), lambda folder, problems: imug.read_classes(folder, problems)),
    Reader(
        "data/dynamic_references.jsonl",
        lines({**KEY, "turn_idx": 1, "ref_turn_idxs": [1]}),
        lambda folder, problems: read_dynamic_links(folder, [SAMPLE], problems),
    ),
    Reader(
        str(truth_file(Path(), SAMPLE)),
        lines({"turn": 1, "grid": [["0", "1", "r"]] * 3, "é": 1}),
        lambda folder, problems: read_boards(folder, SAMPLE, problems),
    ),
    Reader(
        "result.json",
        whole({"tasks": [{"turn": 1, "model_response": "réponse B"}]}),
        lambda folder, problems: read_replies(folder, folder, problems),
    ),
    Reader(
        str(usage_file(Path("m"), SAMPLE.key)),
        whole({"turns": [{"turn": 1, "costs": {"é": 2}, "log": {"said": "à gauche"}}]}),
        lambda folder, problems: read_usage(folder / "m", SAMPLE.key, problems),
    ),
    Reader(".m/run.json", whole({"model": "é"}), lambda folder, problems: run_settings(folder / "m", problems)),
    Reader(
        str(key_file(Path(), "m")),
        lines({**KEY, "turn": 1, "determined_answer": "B"}),
        lambda folder, problems: read_keys(folder, "m", problems),
    ),
    Reader(
        str(point_file(Path(), "m")),
        lines({**KEY, "turn": 1, "scores": [{"point_id": 1, "score": 4}]}),
        lambda folder, problems: read_points(folder, "m", problems),
    ),
    Reader("dynamic_prompt.txt", "Réponds\nB.\n", lambda folder, problems: _prompts(folder)),
    Reader("r.json", whole(RECORD), lambda folder, problems: unim.read_references(folder / "r.json", problems)),
    Reader(
        "c.json",
        whole({**RECORD, **RECORD["output"]}),
        lambda folder, problems: read_captions(folder / "c.json", problems),
    ),
    Reader(
        "human.csv",
        "model,dialogue,turn,score,rater\nm,Küche/1,1,4,José\nm,Küche/1,2,3.5,José\n",
        lambda folder, problems: read_human(folder / "human.csv", ["m"]),
    ),
    Reader(
        "human.jsonl",
        lines({"dialogue": "Küche/1", "turn": 1, "score": 4, "rater": "José"}),
        lambda folder, problems: read_human(folder / "human.jsonl", ["m"]),
    ),
    Reader(
        "items.jsonl",
        lines({"model": "é", "dialogue": "1", "turn": 1, "modality": "text", "answer_strict": 0.5}),
        lambda folder, problems: read_item_scores(folder, metric_spec("answer_accuracy")),
    ),
    Reader(
        "evaluation.json",
        whole(
            {
                "schema": schema("evaluation"),
                "models": [],
                "manifest": {"é": 1},
                "classes": {},
                "benchmark_problems": [],
            }
        ),
        lambda folder, problems: Evaluation.load(folder).manifest,
    ),
    Reader("a.txt", "Voilà. Il est là.\n", lambda folder, problems: _judged(text_quality(folder / "a.txt"))),
    Reader("a.py", 'def name():\n    return "José"\n', lambda folder, problems: _judged(code_quality(folder / "a.py"))),
    Reader(
        "item.py",
        'x = "é"\n',
        lambda folder, problems: item_content(
            unim.Answer("<code1>", {"code1": "item.py"}, file=folder / "r", root=folder), "code1"
        ),
    ),
)
BY_NAME = pytest.mark.parametrize("reader", READERS, ids=[reader.name for reader in READERS])


def _judged(quality: Any) -> Any:
    """What a broken text is told by is raised, so that all readers refuse alike."""
    if quality.value == 0:
        raise ValueError(quality.reason)
    return quality


def read(reader: Reader, folder: Path, content: bytes) -> tuple[Any, Problems]:
    path, problems = folder / reader.name, Problems()
    for place in (path.parent, folder / "data"):
        place.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return reader.read(folder, problems), problems


@BY_NAME
@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("mark", [b"", MARK], ids=["plain", "mark"])
def test_a_mark_and_the_ends_of_lines_change_nothing(reader, tmp_path, mark, ends) -> None:
    expected, none = read(reader, tmp_path / "plain", reader.text.encode())
    assert expected, "what is read must be something"
    found, problems = read(reader, tmp_path / "other", mark + reader.text.replace("\n", ends).encode())
    assert _text(found, tmp_path / "other") == _text(expected, tmp_path / "plain")
    assert list(problems) == list(none) == []


@BY_NAME
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_a_wide_encoding_is_refused_by_name(reader, tmp_path, encoding) -> None:
    assert encoding[:6].upper() in refusal(reader, tmp_path, reader.text.encode(encoding))


@BY_NAME
@pytest.mark.parametrize(
    "encoding", ["latin-1", "cp1252", "mac-roman", "cp850", "shift-jis", "gb18030", "euc-kr", "koi8-r"]
)
def test_a_narrow_encoding_is_refused(reader, tmp_path, encoding) -> None:
    other = {"shift-jis": "田", "gb18030": "左", "euc-kr": "문", "koi8-r": "д"}.get(encoding)
    text = reader.text if other is None else re.sub(r"[^\x00-\x7f]", other, reader.text)
    refusal(reader, tmp_path, text.encode(encoding))


def refusal(reader: Reader, folder: Path, content: bytes) -> str:
    """What a reader says of a file that it does not read; it names UTF-8 and, where a file is there, the file."""
    if reader.name == "item.py":  # content that a judge is told of: there is nobody to raise to
        found, _ = read(reader, folder, content)
        assert found == "a file that is no UTF-8 text"
        return "UTF-16 UTF-32"
    try:
        found, problems = read(reader, folder, content)
    except ValueError as error:
        said = str(error)
    else:
        assert any(problem.level == "error" for problem in problems), f"read in silence: {found!r}"
        said = "\n".join(map(str, problems))
    if reader.name not in ("a.txt", "a.py"):
        assert Path(reader.name).name in said
    assert "UTF-8" in said
    return said


def _text(value: Any, folder: Path) -> str:
    if isinstance(value, Iterable) and not isinstance(value, (str, dict)):
        value = list(value)
    return repr(value).replace(str(folder), "")


@pytest.mark.parametrize("change", [lambda text: MARK + text, lambda text: text.replace(b"\n", b"\r\n")])
def test_the_journal_survives_an_editor(tmp_path, change) -> None:
    path, addresses = (
        tmp_path / "journal.jsonl",
        [address_of(("é", n), JudgeRequest(None, ("?",)), "j", 0) for n in (1, 2)],
    )
    with Journal(path) as journal:
        for address in addresses:
            journal.add(address, Answer(1, "là", None))
    path.write_bytes(change(path.read_bytes()))
    with Journal(path) as journal:
        assert [journal.find(address) for address in addresses] == [Answer(1, "là", None)] * 2
