# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What a model answered, in the official layout: each file is there whole or not at all."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imug_metrics._files import write_bytes_whole
from imug_metrics.inference.model import ImageFile, Part
from imug_metrics.inference.questions import BrokenSampleError, Question
from imug_metrics.inference.turn import Answer, Candidate
from imug_metrics.protocols.imug.outputs import question_folder
from imug_metrics.protocols.imug.usage import TurnUsage, read_asked, read_usage, usage_content, usage_file
from imug_metrics.reading.files import MAX_JSON_BYTES, Problems, inside, read_json
from imug_metrics.suite import FAILED

_ADDED = ("model_response", "candidates", "attempts")


@dataclass(frozen=True)
class Outputs:
    """The folder of one model.

    Attributes:
        model: the folder.
        scratch: folder for files that are not whole yet, so that a kill leaves none of them among the outputs.
    """

    model: Path
    scratch: Path

    def folder(self, question: Question) -> Path:
        """Where the answers to a dialogue go.

        Raises:
            BrokenSampleError: if a link leads out of the model's folder.
        """
        found = question_folder(self.model, question.key)
        _check_within(found, self.model)
        return found

    def write_turn(self, question: Question, turn: int, answer: Answer) -> dict[str, Any]:
        """Write the images of a turn.

        Returns:
            What result.json says of the turn: the response, and the candidates and attempts that there are.
        """
        folder = self.folder(question)
        folder.mkdir(parents=True, exist_ok=True)
        found: dict[str, Any] = {"model_response": self._write(folder, f"turn_{turn}_output.png", answer.output)}
        candidates = [
            {"model_response": self._write(folder, f"turn_{turn}_output_{i}.png", candidate.output)} | _score(candidate)
            for i, candidate in enumerate(answer.candidates, 1)
        ]
        attempts = [
            self._write(folder, f"turn_{turn}_attempt_{i}.png", output) for i, output in enumerate(answer.attempts, 1)
        ]
        more = {"candidates": candidates, "attempts": attempts}
        return found | {name: rows for name, rows in more.items() if rows}

    def _write(self, folder: Path, name: str, output: Part) -> str:
        if isinstance(output, ImageFile):
            write_bytes_whole(folder / name, output.data, self.scratch)
            return name
        return output

    def write_result(
        self, question: Question, answers: Sequence[Mapping[str, Any]], usage: Mapping[int, TurnUsage]
    ) -> None:
        """Write what a dialogue cost, then result.json: where this is, everything else is."""
        folder = self.folder(question)
        folder.mkdir(parents=True, exist_ok=True)
        path = usage_file(self.model, question.key)
        _check_within(path, self.model.parent)
        path.parent.mkdir(parents=True, exist_ok=True)
        result = _result(question, answers)
        if len(result) > MAX_JSON_BYTES:
            raise BrokenSampleError(
                f"The answers have {len(result)} bytes, more than the {MAX_JSON_BYTES} that are read"
            )
        write_bytes_whole(path, usage_content(usage, question.digest), self.scratch)
        write_bytes_whole(folder / "result.json", result, self.scratch)

    def finished(self, question: Question, *, retry_errors: bool) -> list[dict[str, Any]] | None:
        """The turns of result.json, where this very dialogue has been answered whole, with every image it names."""
        folder = self.folder(question)
        path = folder / "result.json"
        found = read_json(path, Problems()) if inside(path, self.model) else None
        rows = found.get("tasks") if isinstance(found, dict) else None
        asked = read_asked(self.model, question.key)
        if not isinstance(rows, list) or len(rows) != len(question.rows) or asked not in (None, question.digest):
            return None
        pairs = zip(rows, question.rows, strict=True)
        whole = all(_agree(row, asked) and _is_answered(row, folder, retry_errors) for row, asked in pairs)
        return rows if whole else None

    def logs(self, question: Question) -> list[Mapping[str, Any]]:
        """The logs of the turns of a dialogue in their order; none where it has not been answered whole."""
        if self.finished(question, retry_errors=False) is None:
            return []
        usage = read_usage(self.model, question.key, Problems())
        return [usage[turn].log for turn in sorted(usage)]

    def clear(self, question: Question) -> None:
        """Remove what an earlier run has left of a dialogue, so that none of it passes for an output of this one."""
        _remove_outputs(self.folder(question))

    def clear_all(self) -> None:
        """The same of all dialogues, also of those that the benchmark no longer has."""
        for folder in self.model.glob("*/*/question_*"):
            if folder.resolve().is_relative_to(self.model.resolve()):
                _remove_outputs(folder)


def _score(candidate: Candidate) -> dict[str, float]:
    score = math.nan if candidate.score is None else float(candidate.score)
    return {"score": score} if math.isfinite(score) else {}  # JSON holds no other numbers


def failed(reason: str) -> str:
    """What result.json says of a turn that failed."""
    return f"{FAILED} {reason}"


def _result(question: Question, answers: Sequence[Mapping[str, Any]]) -> bytes:
    """The benchmark's line without its system prompt, each turn with what was answered."""
    tasks = [{**row, **answer} for row, answer in zip(question.rows, answers, strict=True)]
    content = {name: value for name, value in question.row.items() if name != "system_prompt"} | {"tasks": tasks}
    text = json.dumps(content, ensure_ascii=False, indent=2)
    return text.encode("utf-8", "replace")  # half a surrogate pair, which no UTF-8 can hold, is a question mark


def _remove_outputs(folder: Path) -> None:
    """The result first: without it the dialogue is not finished."""
    images = (path for pattern in ("turn_*_output*.png", "turn_*_attempt_*.png") for path in folder.glob(pattern))
    for path in (folder / "result.json", *images):
        path.unlink(missing_ok=True)


def _agree(row: Any, asked: Any) -> bool:
    """Whether a result is of the turn as the benchmark has it now, in what the result tells of it."""
    if not isinstance(row, dict) or not isinstance(asked, dict):
        return False
    return all(row[name] == value for name, value in asked.items() if name in row and name not in _ADDED)


def _is_answered(row: Any, folder: Path, retry_errors: bool) -> bool:
    response = row.get("model_response")
    if not isinstance(response, str):
        return False
    if response.startswith(FAILED):
        return not retry_errors
    is_image = str(row.get("modality")).lower() == "image"
    return not is_image or inside(folder / response, folder) is not None


def _check_within(path: Path, root: Path) -> None:
    if not path.resolve().is_relative_to(root.resolve()):
        raise BrokenSampleError(f"A link leads out of {root}: nothing is written to {path}")
