# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What tells the better of several candidates."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
import torch
from PIL import Image

from imug_metrics.encoders import CallableEncoder
from imug_metrics.errors import ArgumentError
from imug_metrics.functional import turn_consistency
from imug_metrics.inference.model import ImageFile, Message, Part
from imug_metrics.inference.strategies.selectors.judge import JudgeSelector
from imug_metrics.inference.strategies.selectors.majority import MajoritySelector
from imug_metrics.inference.strategies.selectors.metric import MetricSelector
from imug_metrics.inference.strategies.selectors.own import OwnSelector
from imug_metrics.inference.strategies.selectors.protocol import Selector
from imug_metrics.inference.strategies.selectors.python_function import PythonSelector
from imug_metrics.inference.strategies.wording import GRADE
from imug_metrics.inference.turn import Turn
from imug_metrics.judges import ImagePart, JudgeError, JudgeRequest
from imug_metrics.judges.journal import Journal
from imug_metrics.media.images import load_image
from tests.inference.strategies.simulated import Asked, replies, turn_of

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}


def scored(selector: Selector, turn: Turn, outputs: Sequence[Part]) -> list[float | None]:
    return asyncio.run(selector.scores(turn, outputs))


def png(colour: str) -> ImageFile:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), COLOURS[colour]).save(file, "png")
    return ImageFile(file.getvalue())


def colour_encoder() -> CallableEncoder:
    """Embeds an image as its mean colour, and a text as the colour that it names."""
    names = list(COLOURS)
    return CallableEncoder(
        lambda images: torch.stack([load_image(image, row=0).float().mean((1, 2)) for image in images]),
        lambda texts: torch.tensor([[float(name in text) for name in names] for text in texts]),
        fingerprint="colours",
    )


def test_the_model_grades_each_candidate_as_its_own_reply() -> None:
    ask = replies("7", "Grade: 3/10", "good", "!busy")
    assert scored(OwnSelector(), turn_of(ask), ["a", "b", "c", "d"]) == [7, 3, None, None]
    first = ask.requests[0]
    assert [message.parts for message in first[0][1:]] == [("a",), (GRADE,)]
    assert first[1:] == ("text", (0,))


class FakeJudge:
    name, concurrency = "fake", 2

    def __init__(self, *replies: str) -> None:
        self.replies, self.requests, self.at_work, self.most = list(replies), list[JudgeRequest](), 0, 0

    async def ask(self, request: JudgeRequest) -> str:
        self.requests.append(request)
        self.at_work += 1
        self.most = max(self.most, self.at_work)
        await asyncio.sleep(0)
        self.at_work -= 1
        reply = self.replies.pop(0)
        if reply == "busy":
            raise JudgeError("busy", "429")
        return reply


def test_a_judge_grades_within_its_concurrency() -> None:
    judge = FakeJudge("5", "busy", "6", "4.")
    assert scored(JudgeSelector(judge), turn_of(None), ["a", "b", "c", "d"]) == [5, None, None, 4]
    assert judge.most == 2


def test_a_judge_is_shown_the_prompt_and_the_image() -> None:
    judge = FakeJudge("5")
    scored(JudgeSelector(judge), turn_of(None, want="image", prompt="Draw it."), [png("red")])
    assert judge.requests[0].parts[1] == "Draw it."
    assert judge.requests[0].parts[3] == ImagePart(png("red").data)


def test_a_judge_is_asked_once_for_what_the_journal_holds(tmp_path: Path) -> None:
    judge = FakeJudge("5", "busy", "2", "1")
    with Journal(tmp_path / "judge.jsonl") as journal:
        selector = JudgeSelector(judge, journal)
        assert scored(selector, turn_of(None), ["a", "b"]) == [5, None]
        assert scored(selector, turn_of(None), ["a", "b"]) == [5, 2]  # what had no reply is asked again
    with Journal(tmp_path / "judge.jsonl") as journal:
        assert scored(JudgeSelector(judge, journal), turn_of(None), ["a", "b"]) == [5, 2]
        assert scored(JudgeSelector(judge, journal), turn_of(None, number=2), ["a"]) == [1]


def test_the_majority_counts_choices_of_the_options() -> None:
    said = ["A", "The answer is A.", "**B**", "I cannot say."]
    assert scored(MajoritySelector(), turn_of(None), said) == [2 / 4, 2 / 4, 1 / 4, None]


def test_without_options_the_majority_counts_equal_texts() -> None:
    turn = turn_of(None, prompt="What is it?")
    assert scored(MajoritySelector(), turn, ["A cup.", "cup", "a plate", ""]) == [0.5, 0.5, 0.25, None]


def test_alignment_is_the_cosine_of_image_and_prompt() -> None:
    turn = turn_of(None, want="image", prompt="a red square")
    outputs: list[Part] = [png("blue"), png("red"), ImageFile(b"no image")]
    found = scored(MetricSelector(colour_encoder()), turn, outputs)
    assert found == [pytest.approx(0, abs=1e-6), pytest.approx(1), None]


def test_images_that_cannot_be_read_have_no_score() -> None:
    turn = turn_of(None, want="image", prompt="a red square")
    assert scored(MetricSelector(colour_encoder()), turn, [ImageFile(b"x"), ImageFile(b"y")]) == [None, None]


def test_a_metric_of_other_images_sees_the_earlier_ones() -> None:
    selector = MetricSelector(colour_encoder(), partial(turn_consistency, mode="anchor"), "consistency")
    first = turn_of(None, want="image", prompt="a red square")
    later = first.saying(Message("assistant", (png("red"),)), Message("user", ("Again, in blue.",)))
    outputs = [png("blue"), png("red")]
    assert scored(selector, first, outputs) == [None, None]  # undefined for the first image
    assert scored(selector, later, outputs) == [pytest.approx(0, abs=1e-6), pytest.approx(1)]


def test_a_function_of_a_file_scores(tmp_path: Path) -> None:
    file = tmp_path / "score.py"
    file.write_text(
        "def length(prompt, output):\n    return len(output) if isinstance(output, str) else None\n\n\n"
        "async def later(prompt, output):\n    return len(prompt)\n\n\n"
        "def wrong(prompt, output):\n    return 'good'\n"
    )
    turn = turn_of(Asked(lambda *_: ""), prompt="Say.")
    assert scored(PythonSelector(f"{file}:length"), turn, ["abc", png("red")]) == [3.0, None]
    assert scored(PythonSelector(f"{file}:later"), turn, ["abc"]) == [4.0]
    with pytest.raises(ArgumentError, match="must give a number or None, got str"):
        scored(PythonSelector(f"{file}:wrong"), turn, ["abc"])
