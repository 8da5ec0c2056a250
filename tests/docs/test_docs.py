# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The documentation says what the code does: examples run, links lead somewhere, and numbers are the demo's."""

from __future__ import annotations

import ast
import contextlib
import doctest
import io
import json
import math
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

import imug_metrics
import imug_metrics.functional
from imug_metrics.cli import main

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")])
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
FENCE = re.compile(r"^( *)(`{3,})(\w*)[^\n]*\n(.*?)^\1\2$", re.M | re.S)
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)\s]*)?\)")


class Code(NamedTuple):
    """A fenced block: its language, its first line in the page, and its text without the fence's indentation."""

    language: str
    line: int
    text: str

    @property
    def is_file(self) -> bool:
        """Whether it is the text of a whole file, which has its own names."""
        return self.language == "markdown" or self.text.startswith("# SPDX")


def _page_name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _codes(page: Path) -> list[Code]:
    text = page.read_text(encoding="utf-8")
    return [
        Code(m[3], text.count("\n", 0, m.start(4)) + 1, re.sub(rf"^{m[1]}", "", m[4], flags=re.M))
        for m in FENCE.finditer(text)
    ]


def _prose(page: Path) -> str:
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def _executed(code: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(code, "README.md", "exec"), names)
    return names


@pytest.mark.parametrize("page", PAGES, ids=_page_name)
def test_examples_of_a_page_run_one_after_the_other(page: Path) -> None:
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner(optionflags=FLAGS)
    names: dict[str, Any] = {}
    report: list[str] = []
    for code in _codes(page):
        if ">>>" not in code.text or code.is_file:
            continue
        test = parser.get_doctest(code.text, names, _page_name(page), str(page), code.line)
        runner.run(test, out=report.append, clear_globs=False)
        names.update(test.globs)
    assert runner.failures == 0, "".join(report)


@pytest.mark.parametrize("page", PAGES, ids=_page_name)
def test_python_without_prompts_can_be_compiled(page: Path) -> None:
    for code in _codes(page):
        if code.language in ("python", "py") and ">>>" not in code.text:
            compile(code.text, f"{_page_name(page)}:{code.line}", "exec")


@pytest.mark.parametrize("page", PAGES, ids=_page_name)
def test_relative_links_lead_to_files(page: Path) -> None:
    broken = [link for link in LINK.findall(_prose(page)) if not (page.parent / link).exists()]
    assert not broken


def test_training_loop_of_the_readme_runs() -> None:
    loops = [code.text for code in _codes(ROOT / "README.md") if code.language == "python" and "update(" in code.text]
    assert len(loops) == 1
    names = _executed(loops[0])
    assert names["metric"].update_count > 1
    assert 0 <= float(names["scores"]["turn_alignment"]) <= 2.5


def test_the_citation_names_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == imug_metrics.__version__


def test_architecture_names_files_that_are_there() -> None:
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    paths = re.findall(r"`((?:imug_metrics|kernels|tests|docs|benchmarks)/[^`*]*)`", text)
    assert len(paths) > 40
    shown = [path for path in paths if "GROUP" not in path and "foo_bar" not in path]
    assert [path for path in shown if not (ROOT / path).exists()] == []


def test_metrics_of_the_readme_exist() -> None:
    table = re.search(r"^## Metrics\n(.*?)^## ", (ROOT / "README.md").read_text(encoding="utf-8"), re.M | re.S)
    assert table
    named = re.findall(r"`([A-Z]\w+)`", table[1])
    assert "TurnDecay" in named
    assert [name for name in named if not hasattr(imug_metrics, name)] == []


class Demo(NamedTuple):
    """What the demo prints, its summary, and the folder in which it was called."""

    printed: str
    summary: dict[str, Any]
    folder: Path


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    folder = tmp_path_factory.mktemp("demo")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "80")
        assert main(["demo", "--out", str(folder / "imug-demo")]) == 0
    summary = json.loads((folder / "imug-demo" / "summary.json").read_text(encoding="utf-8"))
    return Demo(printed.getvalue(), summary, folder)


def _numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"[-+]?\d+\.\d+", text.replace("−", "-"))]


def test_table_of_the_readme_is_what_the_demo_prints(demo: Demo) -> None:
    [shown] = [code.text for code in _codes(ROOT / "README.md") if "steady" in code.text and "per turn" in code.text]
    printed = demo.printed.split("Report:")[0]
    assert re.sub(r"[-+−]?\d+\.\d+", "#", shown).split() == re.sub(r"[-+−]?\d+\.\d+", "#", printed).split()
    assert _numbers(shown) == pytest.approx(_numbers(printed), abs=0.011)  # the last digit may round either way


def test_call_of_the_readme_gives_what_the_command_writes(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    [call] = [code.text for code in _codes(ROOT / "README.md") if "imug_metrics.evaluate(" in code.text]
    [compared] = [code.text for code in _codes(ROOT / "README.md") if "imug_metrics.compare(" in code.text]
    monkeypatch.chdir(demo.folder)
    names = _executed(call + compared)
    result, found = names["result"], names["found"]
    [ranks] = re.findall(r"# (\{.*\})$", compared, re.M)
    assert ast.literal_eval(ranks) == dict(zip(found.models, found.metrics[0].ranks, strict=True))
    for model, scores in demo.summary["models"].items():
        given = result.scores[model]
        assert set(given) == set(scores)
        defined = {name: float(value) for name, value in scores.items() if value is not None}
        assert {name: given[name] for name in defined} == defined
        assert all(math.isnan(given[name]) for name in set(scores) - set(defined))
    [shown] = re.findall(r"# (-\d\.\d+)$", call, re.M)
    assert float(shown) == pytest.approx(result.scores["fading"]["turn_alignment_slope"], abs=0.0006)
    assert (
        json.loads((demo.folder / "report" / "summary.json").read_text(encoding="utf-8"))["models"]
        == demo.summary["models"]
    )


def test_sentence_of_the_readme_is_one_of_the_findings(demo: Demo) -> None:
    [shown] = re.findall(r'"(fading loses [^"]*)"', " ".join(_prose(ROOT / "README.md").split()))
    found, *_ = [f["text"] for f in demo.summary["findings"] if f["model"] == "fading" and f["tone"] == "loss"]
    words = re.compile(r"[-+−]?\d+\.\d+")
    assert words.sub("#", shown) == words.sub("#", f"fading {found}")
    assert _numbers(shown) == pytest.approx(_numbers(found), abs=0.0011)


def test_demo_numbers_of_the_guide_are_those_of_the_demo(demo: Demo) -> None:
    guide = (DOCS / "guides" / "copying.md").read_text(encoding="utf-8")
    names = ("turn_consistency", "copy_guard", "turn_retrieval", "turn_alignment", "turn_alignment_slope")
    for model, scores in demo.summary["models"].items():
        [row] = re.findall(rf"^\| {model} \|(.*)$", guide, re.M)
        assert _numbers(row) == pytest.approx([scores[name] for name in names], abs=0.0051)


def test_demo_shares_of_the_alignment_page_are_those_of_the_demo(demo: Demo) -> None:
    page = " ".join((DOCS / "metrics" / "turn_alignment.md").read_text(encoding="utf-8").split())
    [shares] = re.findall(r"keeps (\d+) % of the alignment of the steady one, and (\d+) % of its retrieval", page)
    copying, steady = demo.summary["models"]["copying"], demo.summary["models"]["steady"]
    for share, name in zip(shares, ("turn_alignment", "turn_retrieval"), strict=True):
        assert float(share) == pytest.approx(100 * copying[name] / steady[name], abs=0.6)
