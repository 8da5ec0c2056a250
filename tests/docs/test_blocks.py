# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Every fenced block of Python in the documentation runs; what cannot is listed here with the reason.

Blocks with prompts are doctests of `test_docs.py`. The others run here, those of a page one after the other. A page
whose blocks speak of files or names that a reader has gets them in `PREPARED`; what cannot run stands in `NOT_RUN`.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import json
import re
import shlex
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

from imug_metrics.cli import main
from imug_metrics.demo import write_demo_benchmark
from imug_metrics.encoders import loading, lpips
from imug_metrics.encoders.faces import FaceFunctions
from imug_metrics.encoders.scene import SceneEncoder
from imug_metrics.suite import ModelScores

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
FENCE = re.compile(r"^( *)(`{3,})(\w*)([^\n]*)\n(.*?)^\1\2$", re.M | re.S)
TITLE = re.compile(r'title="([\w./-]+)"')
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

# By page, how a block begins, and why it does not run here.
NOT_RUN = {
    ("CONTRIBUTING.md", "from imug_metrics.functional.answers.answer_brevity"): "test_contributing.py builds it",
    ("docs/benchmarks.md", "from imug_kernels.triton_kernels.settings"): "an override is for kernels launched on a GPU",
    ("docs/guides/engines.md", "import json\n\nimport dask"): "tests/integrations/test_engines.py runs it",
    ("docs/guides/engines.md", "import glob"): "tests/integrations/test_engines.py runs it",
    ("docs/guides/training-loop.md", "import torch\n"): "tests/examples/test_training_loops.py runs it",
    ("docs/guides/training-loop.md", "encoder = SceneEncoder("): "tests/examples/test_training_loops.py runs it",
    ("docs/guides/training-loop.md", "import lightning"): "tests/examples/test_training_loops.py runs it",
    ("docs/guides/training-loop.md", "from accelerate"): "tests/examples/test_training_loops.py runs it",
    ("docs/guides/trackers.md", "import wandb"): "tests/report/trackers/test_guide.py runs it",
    ("docs/guides/trackers.md", "import mlflow"): "tests/report/trackers/test_guide.py runs it",
    ("docs/guides/trackers.md", "import trackio"): "tests/report/trackers/test_guide.py runs it",
    ("docs/judges.md", "from imug_metrics.judges import TransformersJudge"): "loads 15 GB of weights",
    ("docs/protocols/imug.md", "from imug_metrics.judges import OpenAIJudge"): "asks a server",
    ("docs/quality.md", "import pyiqa"): "a package of the reader's choice",
}  # fmt: skip


def relative(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


class Block(NamedTuple):
    """A fenced block: its language, the rest of the fence's line, its first line in the page, and its text."""

    language: str
    rest: str
    line: int
    text: str

    def compiled(self, page: Path) -> types.CodeType:
        return compile("\n" * (self.line - 1) + self.text, str(page), "exec")


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page, without the indentation of their fences."""
    text = page.read_text(encoding="utf-8")
    for match in FENCE.finditer(text):
        code = re.sub(rf"^{match[1]}", "", match[5], flags=re.M)
        yield Block(match[3], match[4], text.count("\n", 0, match.start(5)) + 1, code)


def plain_python(page: Path) -> list[Block]:
    """Blocks of Python without prompts that are not whole files."""
    found = [block for block in blocks(page) if block.language in ("python", "py", "python3")]
    return [block for block in found if ">>>" not in block.text and not block.text.startswith("# SPDX")]


def demo(folder: Path) -> None:
    write_demo_benchmark(folder, dialogues=6)


def readme(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    demo(Path("imug-demo"))
    return {}


def encoders(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Weights of a name are those of the scene encoder, and LPIPS has random ones: what is written is called."""
    package = pytest.importorskip("lpips", reason="lpips is not installed")
    monkeypatch.setattr(loading, "load_encoder", lambda spec, device=None: scene)
    monkeypatch.setattr(lpips, "_load", lambda trunk: package.LPIPS(net=trunk, pnet_rand=True, verbose=False))
    scene: Any = SceneEncoder()
    scene.to = lambda device: scene  # to a GPU
    images = torch.zeros(2, 3, 64, 64, dtype=torch.uint8)
    return {"encoder": scene, "images": images, "texts": ["a", "b"], "my_function": lambda images: images}


def faces(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The libraries are stand-ins that find one face in every image; what is written is called."""
    app, box = types.SimpleNamespace, torch.tensor([8.0, 8.0, 40.0, 40.0])
    found = [app(box=box, bbox=box, score=0.9, det_score=0.9, points=torch.rand(5, 2) * 30, embedding=torch.rand(8))]

    class Mtcnn(torch.nn.Module):
        def detect(self, image: Any) -> Any:
            return box[None], torch.tensor([0.9])

        def extract(self, image: Any, boxes: Any, save_path: None) -> torch.Tensor:
            return torch.zeros(3, 160, 160)

    def face_analysis(name: str, allowed_modules: list[str]) -> Any:
        return app(get=lambda image: found, prepare=lambda ctx_id, det_size: None)

    def network(faces: torch.Tensor) -> torch.Tensor:
        return faces.mean((2, 3))

    def resnet(pretrained: str) -> Any:
        return network

    for name, values in {
        "insightface": {},
        "insightface.app": {"FaceAnalysis": face_analysis},
        "facenet_pytorch": {"MTCNN": Mtcnn, "InceptionResnetV1": resnet},
    }.items():
        module = types.ModuleType(name)
        module.__dict__.update(values)
        monkeypatch.setitem(sys.modules, name, module)
    images = torch.zeros(2, 3, 64, 64, dtype=torch.uint8)
    model = FaceFunctions(lambda image: [box.tolist()], lambda faces: faces.float().mean((2, 3)), size=8)
    return {"images": images, "images_of_other_people": images, "model": model} | {
        "my_detector": lambda image: found,
        "my_arcface": network,
    }


def kernels(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The first file of the page is a module that its second imports."""
    import imug_kernels.reference

    module = types.ModuleType("imug_kernels.reference.row_dot")
    page = ROOT / "docs/change_or_add_a_kernel.md"
    exec(plain_python(page)[0].compiled(page), module.__dict__)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(imug_kernels.reference, "row_dot", module, raising=False)
    pytest.importorskip("triton", reason="triton is not installed")
    return {}


def imug(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    demo(Path())
    Path("outputs/steady").rename("outputs/my-model")
    monkeypatch.setattr("imug_metrics.encoders.load_encoder", lambda spec: SceneEncoder())
    return {}


def official_prompts(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    folder = Path("IMUG-Bench/scripts/auxiliary")
    folder.mkdir(parents=True)
    for name in ("dynamic_prompt.txt", "eval_prompt.txt"):
        (folder / name).write_text("Look closely.")
    return {}


def unim(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    row = {"id": 1, "domain": "general_area", "subdomain": "x", "output": {"content": "<image1>", "modal": {}}}
    for name in ("qapairs_placeholder", "answers"):
        Path(name).mkdir()
        Path(name, "records.jsonl").write_text(json.dumps(row))
    return {}


def report(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    return {f"scores_{name}": ModelScores(name, {"turn_alignment": 0.5}, []) for name in "ab"}


PREPARED: dict[str, Callable[[pytest.MonkeyPatch], dict[str, Any]]] = {
    "README.md": readme,
    "docs/change_or_add_a_kernel.md": kernels,
    "docs/encoders/faces.md": faces,
    "docs/encoders/index.md": encoders,
    "docs/guides/inference.md": readme,
    "docs/protocols/imug-judge.md": official_prompts,
    "docs/protocols/imug.md": imug,
    "docs/protocols/unim.md": unim,
    "docs/report.md": report,
}
WITH_PYTHON = [page for page in PAGES if plain_python(page)]


@pytest.mark.parametrize("page", WITH_PYTHON, ids=relative)
def test_python_without_prompts_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "docs", **PREPARED.get(relative(page), lambda patch: {})(monkeypatch)}
    for block in plain_python(page):
        if not any(place == relative(page) and block.text.startswith(begins) for place, begins in NOT_RUN):
            with contextlib.redirect_stdout(io.StringIO()):
                _run(block.compiled(page), names)


def _run(code: types.CodeType, names: dict[str, Any]) -> None:
    try:
        exec(code, names)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in ("imug_metrics", "imug_kernels", "tests", "torch"):
            raise
        pytest.skip(f"{error.name} is not installed")


def test_every_block_that_does_not_run_is_there_once_and_has_a_reason() -> None:
    for (page, begins), reason in NOT_RUN.items():
        assert sum(block.text.startswith(begins) for block in plain_python(ROOT / page)) == 1, (page, begins)
        assert len(reason) > 10
    assert set(PREPARED) <= {relative(page) for page in WITH_PYTHON}


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_no_python_hides_from_these_tests(page: Path) -> None:
    """Every fence is closed and seen, and Python bears the name of the language."""
    assert "```" not in FENCE.sub("", page.read_text(encoding="utf-8"))
    for block in blocks(page):
        if not block.language:
            assert not re.search(r"^(import|from) \w[\w.]*( import .*)?$", block.text, re.M), block.text


GUIDE = ROOT / "docs/guides/own_data.md"


def console_lines(page: Path) -> Iterator[tuple[str, str]]:
    """Each command of the page's console blocks, and what stands below it."""
    for block in blocks(page):
        if block.language == "console":
            for part in re.split(r"^\$ ", block.text, flags=re.M)[1:]:
                command, _, shown = part.partition("\n")
                yield command, shown


def test_commands_of_the_guide_to_own_data_do_what_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    for block in blocks(GUIDE):
        if title := TITLE.search(block.rest):
            Path(title[1]).write_text(block.text, encoding="utf-8")
    commands = list(console_lines(GUIDE))
    assert len(commands) >= 6
    for command, shown in commands:
        program, *arguments = shlex.split(command)
        assert program == "imug-metrics"
        code = main(arguments)
        said = capsys.readouterr()
        refused = shown.startswith("imug-metrics:")
        assert code == (2 if refused else 0), said.err
        printed = (said.err if refused else said.out).strip() + "\n"
        checker = doctest.OutputChecker()
        assert not shown or checker.check_output(shown.strip() + "\n", printed, FLAGS), f"{command}\n{printed}"
