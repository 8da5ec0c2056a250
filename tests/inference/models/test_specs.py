# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Models by what is written of them: which kind it is, what it is told, what its folder is called."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from imug_metrics.errors import ArgumentError
from imug_metrics.inference.models.command import CommandModel
from imug_metrics.inference.models.python_function import PythonFunction
from imug_metrics.inference.models.replay import RecordedOutputs
from imug_metrics.inference.models.specs import default_name, load_model
from imug_metrics.reading.files import as_name


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("openai:gpt-4o", "gpt-4o"),
        ("openai-images:org/gpt-image-1", "gpt-image-1"),
        ("python:a/b.py:draw", "draw"),
        ("transformers:org/Name", "Name"),
        ("transformers:/models/janus/", "janus"),
        ("command:./prog --x a/b", "prog"),
        ("command:'/a folder/prog' 1", "prog"),
        ("replay:outputs/.hidden", "hidden"),
        ("infer:http://host:8000", "host-8000"),
        ("infer:https://me:secret@example.org/a/infer", "example.org"),
        ("infer:http://[::1]:8000", "--1]-8000"),
    ],
)
def test_the_folder_is_called_what_the_model_is_called(spec: str, name: str) -> None:
    assert default_name(spec) == as_name(name)


def test_a_relative_folder_has_the_name_that_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert default_name("replay:.") == tmp_path.name


@pytest.mark.parametrize("spec", ["replay:/", "command:''", "transformers:..."])
def test_what_holds_no_name_needs_one(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    with pytest.raises(ArgumentError) as caught:
        default_name(spec)
    assert caught.value.arguments == ("name",)


@pytest.mark.parametrize("spec", ["", "gpt-4o", "clip:x", "openai:", "openai: ", "OPENAI:x"])
def test_other_kinds_are_refused_with_a_list_of_those_there_are(spec: str) -> None:
    for call in (load_model, default_name):
        with pytest.raises(ArgumentError, match=r"`model`: expected infer:URL, python:FILE.py:FUNCTION, .* or replay:"):
            call(spec)


def test_models_that_need_no_package(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def draw(history, *, want, seed):\n    return 'B'\n")
    assert isinstance(load_model(f"python:{tmp_path}/mine.py:draw"), PythonFunction)
    (tmp_path / "outputs/mine/Cooking/pan/question_1").mkdir(parents=True)
    assert isinstance(load_model(f"replay:{tmp_path}/outputs/mine"), RecordedOutputs)
    with pytest.raises(ArgumentError, match=r"holds no outputs of one model; did you mean .*outputs/mine"):
        load_model(f"replay:{tmp_path}/outputs")
    assert isinstance(load_model(f"command:{sys.executable} -S x.py"), CommandModel)


def test_servers_are_told_what_they_have_to_know(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("aiohttp", reason="aiohttp is not installed")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    servers = load_model(["infer:http://a:1", "infer:http://b:2/infer"], temperature=0.1)
    assert (servers.concurrency, servers.temperature) == (4, 0.1)
    chat = load_model("openai:m", url="http://a/v1", temperature=0.0)
    drawing = load_model("openai-images:m", url="http://a/v1")
    assert (chat.images, chat.temperature, chat.base_url) == ("chat", 0.0, "http://a/v1")
    assert drawing.images == "endpoint"
    assert len({chat.settings, drawing.settings, load_model("openai:m", url="http://a/v1").settings}) == 3


@pytest.mark.parametrize(
    ("specs", "options", "arguments", "message"),
    [
        ([], {}, ("model",), "got none"),
        (["infer:http://a", "openai:m"], {}, ("model",), "several infer:URL"),
        (["replay:a", "replay:b"], {}, ("model",), "several infer:URL"),
        ("infer:localhost:8000", {}, ("model",), "infer:localhost:8000: Expected `url` to be an http or https URL"),
        ("openai:m", {}, ("model",), "OPENAI_BASE_URL"),
        ("replay:a", {"url": "http://a"}, ("model", "url"), "replay:a takes no URL"),
        ("replay:no/such/folder", {}, ("model",), "there is no folder no/such/folder"),
        ("python:no.py:draw", {}, ("model",), "cannot be read"),
        ("infer:http://a", {"temperature": -1.0}, ("temperature",), "expected a number from 0"),
    ],
)
def test_what_cannot_be_made_says_why(specs, options, arguments, message, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("aiohttp", reason="aiohttp is not installed")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(ArgumentError, match=message) as caught:
        load_model(specs, **options)
    assert caught.value.arguments == arguments


def test_nothing_optional_is_imported_before_it_is_needed() -> None:
    code = (
        "import sys, imug_metrics\n"
        "before = set(sys.modules)  # torchmetrics imports what it finds\n"
        "from imug_metrics.inference.models import command, infer_server, openai_server, python_function, replay\n"
        "from imug_metrics.inference.models import specs, transformers_model\n"
        "print(sorted({'aiohttp', 'transformers'} & (set(sys.modules) - before)))"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "[]"
