# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Runs the released scoring scripts of SpecV on judged answers of our own, and keeps what went in and what came out.

    python -m tests.protocols.specv.make_golden CHECKOUT

writes golden.json beside this file.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).with_name("golden.json")
DIMENSIONS = {
    "t2i": ("composition", "structure", "style", "text_rendering", "world_knowledge_and_reasoning"),
    "edit": (
        *("attribute", "background_and_scene", "local_obj", "reasoning_driven", "spatial_and_layout"),
        "text_centric",
    ),
    "many2one": ("cross_domain", "element_replacement", "multi_subject_composition", "three_elements_integration"),
    "interleave": ("interleaved_completion", "real_world_assistant", "reasoning_interleaved", "structured_tutorial"),
    "think_with_img": ("jigsaw", "math", "maze", "physics"),
    "understanding": ("charxiv", "countbench", "hallusionbench", "mmbench", "mmmu"),
}
KINDS = {
    "subcategory": (
        *("Final Answer", "Final Answer Correctness", "Reasoning Quality - steps", "Image Quality"),
        *("Image-Text Alignment", "Style", ""),
    ),
    "category": ("Final Answer Correctness", "Process-Level Evaluation", "Process", "Other"),
}
ANSWERS = ("Yes", "No", "yes", "YES ", "N/A", True, None, 1)
MODELS = ("zeta", "Alpha", "beta", "beta_2", "模型")


def judged(draw: random.Random) -> list[dict[str, Any]]:
    """One file of judged answers."""
    items: list[dict[str, Any]] = []
    for number in range(1, draw.choice([1, 2, 3, 3, 7]) + 1):
        expected = draw.choice(["Yes", "Yes", "Yes", "No"])
        answer = draw.choice([expected, expected, draw.choice(ANSWERS)])
        item = {"id": number, "expected_answer": expected, "answer": answer, "score": 9.33}
        for field, names in KINDS.items():
            if draw.random() < 0.95:
                item[field] = draw.choice(names)
        items.append(item)
    return items


def tree(track: str) -> dict[str, Any]:
    """Judged answers of a track by path: models that tie, lack dimensions or tasks, have empty folders and lists."""
    draw = random.Random(track)
    files: dict[str, Any] = {}
    for model in MODELS:
        for dimension in DIMENSIONS[track]:
            kind = draw.random()
            if kind < 0.15:
                continue  # no folder at all
            files[f"{model}/{dimension}/"] = None
            names = (
                [] if kind < 0.25 else draw.sample(["a_001", "a_002", "b_010", "b_9", "ü_1", "Z"], draw.randint(1, 3))
            )
            for name in names:
                files[f"{model}/{dimension}/{name}.json"] = [] if draw.random() < 0.1 else judged(draw)
    for twin in ("beta_3", "Alpha_2"):  # ties keep the order of names
        source = twin[:-2]
        found = {path: content for path, content in files.items() if path.startswith(f"{source}/")}
        files |= {path.replace(source, twin, 1): content for path, content in found.items()}
    files["nothing/"] = None
    files["zeta/other_dimension/x.json"] = [{"expected_answer": "Yes", "answer": "Yes"}]
    return files


def write_tree(root: Path, files: dict[str, Any]) -> None:
    """Files, and folders whose name ends in a slash."""
    for name, content in files.items():
        path = root / name
        if name.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def released(checkout: Path, track: str, files: dict[str, Any]) -> dict[str, Any]:
    """What the released script writes."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        shutil.copy(checkout / "eval" / track / "score_and_rank.py", home)
        (home / "results").mkdir()
        write_tree(home / "results", files)
        subprocess.run([sys.executable, "score_and_rank.py"], cwd=home, check=True, stdout=subprocess.DEVNULL)
        written = sorted((home / "scores").rglob("*.json"))
        return {str(path.relative_to(home / "scores")): json.loads(path.read_text("utf-8")) for path in written}


def main() -> None:
    """The command."""
    checkout = Path(sys.argv[1])
    found = {}
    for track in DIMENSIONS:
        files = tree(track)
        found[track] = {"results": files, "scores": released(checkout, track, files)}
    GOLDEN.write_text(json.dumps(found, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
