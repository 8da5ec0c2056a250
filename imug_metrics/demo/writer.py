# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Dialogues and simulated outputs as files in the benchmark's official layout."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from imug_metrics.demo.dialogues import Dialogue, Draw
from imug_metrics.demo.models import Faults, SimulatedModel, answer, draw_image, plan_faults

DOMAIN_CLASSES = {
    "Static Spatial": ["Color_Reasoning", "Object_Inference"],
    "Temporal Causal": ["Physics", "Weather"],
    "Hybrid": ["Stack_Simulation", "Everyday_Tasks"],
}
_FAILED_IMAGE = "ERROR: image generation failed"
_FAILED_ANSWER = "ERROR: request timed out"


def write_benchmark(dialogues: Sequence[Dialogue], folder: Path) -> None:
    """Write ``data/`` and ``config/`` into ``folder``."""
    data = folder / "data"
    (data / "images").mkdir(parents=True)
    (folder / "config").mkdir()
    _write_lines(data / "benchmark.jsonl", map(_sample, dialogues))
    _write_lines(data / "image_references.jsonl", map(_references, dialogues))
    _write_lines(data / "dynamic_references.jsonl", ())  # every question has a fixed key
    _write_json(folder / "config" / "domain_classes.json", DOMAIN_CLASSES)


def write_outputs(model: SimulatedModel, dialogues: Sequence[Dialogue], folder: Path, seed: int) -> None:
    """Write one model's replies and images into ``folder/<domain>/<subdomain>/question_<id>``."""
    faults = plan_faults(model, dialogues, seed)
    for dialogue in dialogues:
        question = folder / dialogue.domain / dialogue.subdomain / f"question_{dialogue.sample_id}"
        question.mkdir(parents=True)
        _write_answers(model, dialogue, question, faults, seed)


def _write_answers(model: SimulatedModel, dialogue: Dialogue, folder: Path, faults: Faults, seed: int) -> None:
    tasks: list[dict[str, Any]] = []
    first: Image.Image | None = None
    for turn in dialogue.turns:
        # One stream a turn: a turn that is missing or copied does not shift the chances of the others.
        rng = random.Random(f"output:{seed}:{model.name}:{dialogue.name}:{turn.turn}")
        slot = (dialogue.name, turn.turn)
        absent, wrong = slot in faults.missing, slot in faults.wrong
        if not isinstance(turn, Draw):
            response = _FAILED_ANSWER if absent else answer(turn, wrong, rng)
        elif absent:
            response = _FAILED_IMAGE
        else:
            drawn = first if model.copies and first is not None else draw_image(model, turn, wrong, rng)
            first = first or drawn
            response = f"turn_{turn.turn}_output.png"
            drawn.save(folder / response, compress_level=3)
        tasks.append({"turn": turn.turn, "model_response": response})
    _write_json(folder / "result.json", {"tasks": tasks})


def _sample(dialogue: Dialogue) -> dict[str, Any]:
    return {**_identity(dialogue), "tasks": [_task(turn) for turn in dialogue.turns]}


def _task(turn: Any) -> dict[str, Any]:
    is_image = isinstance(turn, Draw)
    output = {"evaluation_points": list(turn.points)} if is_image else {"answer": turn.key}
    modality = "image" if is_image else "text"
    return {"turn": turn.turn, "modality": modality, "input": [{"text": turn.prompt}], "output": output}


def _references(dialogue: Dialogue) -> dict[str, Any]:
    """Each image should agree with the first one and with the one before it."""
    turns = [draw.turn for draw in dialogue.draws]
    links = [
        {"turn_idx": turn, "refs": [{"ref_turn": r, "ref_type": "output"} for r in sorted({turns[0], turns[i]})]}
        for i, turn in enumerate(turns[1:])
    ]
    return {**_identity(dialogue), "reference_links": links}


def _identity(dialogue: Dialogue) -> dict[str, str]:
    return {"domain": dialogue.domain, "subdomain": dialogue.subdomain, "sample_id": dialogue.sample_id}


def _write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
