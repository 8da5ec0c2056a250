# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The command line on a small benchmark, with an encoder that costs nothing."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import torch

from imug_metrics.cli import main
from imug_metrics.demo import write_demo_benchmark
from imug_metrics.encoders import CallableEncoder
from imug_metrics.evaluation import inputs


class TinyEncoder(CallableEncoder):
    """Mean colour of images, letter counts of texts; counts the images it has seen."""

    def __init__(self, fingerprint: str = "tiny") -> None:
        super().__init__(self.see, self.read, name="tiny", fingerprint=fingerprint, dim=3)
        self.seen = 0

    def see(self, images):
        self.seen += len(images)
        return torch.stack([image.float().mean((1, 2)) / 255 for image in images])

    def read(self, texts):
        return torch.tensor([[float(text.count(letter) + 1) for letter in "aeo"] for text in texts])


class Command:
    """Runs `imug-metrics score` on copies of a demo's folders."""

    def __init__(self, root: Path, demo: Path, capsys, monkeypatch) -> None:
        self.root, self.out, self.capsys = root, root / "scores", capsys
        self.benchmark, self.outputs = root / "benchmark", root / "outputs"
        shutil.copytree(demo / "benchmark", self.benchmark)
        shutil.copytree(demo / "outputs", self.outputs)
        self.encoder = TinyEncoder()
        monkeypatch.setattr(inputs, "load_encoder", lambda spec, device=None: self.encoder)
        monkeypatch.setenv("COLUMNS", "200")

    def score(self, *more: str) -> int:
        folders = ("--benchmark", self.benchmark, "--outputs", self.outputs, "--out", self.out)
        return self.run("score", *folders, "--encoder", "tiny", *more)

    def run(self, *arguments) -> int:
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as stop:  # argparse leaves this way
            code = stop.code
        self.said, self.warned = self.capsys.readouterr()
        return code

    def json(self, name: str):
        return json.loads((self.out / name).read_text(encoding="utf-8"))

    def rows(self, name: str) -> list[dict]:
        return [json.loads(line) for line in (self.out / name).read_text(encoding="utf-8").splitlines()]

    def mend(self, *models: str) -> None:
        """Give the models named everything that the demo leaves out on purpose."""
        for result in self.outputs.glob("*/*/*/question_*/result.json"):
            if result.relative_to(self.outputs).parts[0] not in models:
                continue
            content = json.loads(result.read_text())
            images = sorted(result.parent.glob("turn_*_output.png"))
            for task in content["tasks"]:
                if task["model_response"].startswith("ERROR: image"):
                    name = f"turn_{task['turn']}_output.png"
                    shutil.copy(images[0] if images else next(self.outputs.rglob("*.png")), result.parent / name)
                    task["model_response"] = name
                task["model_response"] = re.sub("^ERROR:.*", "A", task["model_response"])
            result.write_text(json.dumps(content))


@pytest.fixture(scope="session")
def demo(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("demo")
    write_demo_benchmark(root, dialogues=4, seed=3)
    return root


@pytest.fixture
def command(tmp_path, demo, capsys, monkeypatch) -> Command:
    return Command(tmp_path, demo, capsys, monkeypatch)
