# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A benchmark folder in the official layout, made by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imug_metrics.protocols import imug


class Folder:
    """Writes the files of a benchmark and of one model, and reads them back."""

    def __init__(self, root: Path) -> None:
        self.benchmark, self.model, self.judged = root / "benchmark", root / "outputs" / "mine", root / "judged"
        self.question = self.model / "Cooking" / "pan" / "question_1"
        self.problems = imug.Problems()
        self.lines("data/benchmark.jsonl")
        (self.benchmark / "config").mkdir()
        (self.benchmark / "config/domain_classes.json").write_text(json.dumps({"Hybrid": ["Cooking"]}))
        self.question.mkdir(parents=True)

    @staticmethod
    def text(turn: Any, answer: Any = "B", prompt: str = "Which colour? A. red B. blue") -> dict[str, Any]:
        return {"turn": turn, "modality": "text", "input": [{"text": prompt}], "output": {"answer": answer}}

    @staticmethod
    def image(turn: Any, prompt: str = "Draw a blue ball.", points: int = 2) -> dict[str, Any]:
        wanted = {"evaluation_points": [f"point {n}" for n in range(points)]}
        return {"turn": turn, "modality": "image", "input": [{"text": prompt}], "output": wanted}

    @staticmethod
    def sample(*tasks: Any, domain: str = "Cooking", subdomain: str = "pan", sample_id: Any = "1") -> dict[str, Any]:
        return {"domain": domain, "subdomain": subdomain, "sample_id": sample_id, "tasks": list(tasks)}

    def lines(self, name: str, *rows: Any) -> Path:
        """Write rows as JSON lines; a row that is text or bytes is written as it is."""
        path = self.benchmark / name
        path.parent.mkdir(parents=True, exist_ok=True)
        raw = (row if isinstance(row, (str, bytes)) else json.dumps(row, ensure_ascii=False) for row in rows)
        path.write_bytes(b"".join((row.encode() if isinstance(row, str) else row) + b"\n" for row in raw))
        return path

    def samples(self, *rows: Any) -> None:
        self.lines("data/benchmark.jsonl", *rows)

    def reply(self, *replies: tuple[Any, Any]) -> None:
        tasks = [{"turn": turn, "model_response": reply} for turn, reply in replies]
        (self.question / "result.json").write_text(json.dumps({"tasks": tasks}))

    def draw(self, name: str, colour: str = "blue") -> Path:
        path = self.question / name
        Image.new("RGB", (8, 8), colour).save(path, format="PNG")
        return path

    def judgements(self, name: str, *rows: Any) -> None:
        suffix = {"dynamic_answer": "dynamic_answer", "score_img": "img_score"}[name]
        path = self.judged / "mine" / name / f"mine_{suffix}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        head = {"domain": "Cooking", "subdomain": "pan", "sample_id": "1"}
        path.write_text("".join(json.dumps({**head, **row}) + "\n" for row in rows))

    def read_samples(self) -> imug.Benchmark:
        return imug.read_benchmark(self.benchmark, self.problems)

    def read(self) -> list[Any]:
        keys = imug.read_keys(self.judged, "mine", self.problems) if self.judged.is_dir() else None
        return list(imug.read_records(self.read_samples(), self.model, self.problems, keys=keys))

    def said(self, level: str = "error") -> list[tuple[str, int | None, str]]:
        """File name, line and field of the problems."""
        return [(Path(p.file).name, p.line, p.field) for p in self.problems if p.level == level]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)
