# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Readings of a judge that was asked more than once."""

from __future__ import annotations

import json

import pytest

from imug_metrics.protocols import imug
from imug_metrics.protocols.imug.points import point_scores
from imug_metrics.protocols.imug.readings import Readings, official_readings, repeated_points

KEY = ("Cooking", "pan", "1")


class Scripted:
    """Gives its replies one after the other."""

    name, concurrency = "scripted", 1

    def __init__(self, *replies: str) -> None:
        self.replies = iter(replies)

    async def ask(self, request):
        return next(self.replies)


def points(*scores: float) -> str:
    rows = [{"point_id": place, "score": score} for place, score in enumerate(scores, 1)]
    return json.dumps({"evaluation_results": rows})


def judged(folder, protocol: str, *replies: str, repeats: int) -> imug.Judgements:
    """One image turn of two points, asked for as often as there are repeats."""
    folder.samples(folder.sample(folder.image(1, points=2)))
    folder.draw("turn_1_output.png")
    folder.reply((1, "turn_1_output.png"))
    settings = {"prompts": imug.OwnPrompts(), "protocol": protocol, "problems": folder.problems, "repeats": repeats}
    return imug.judge_model(folder.read_samples(), folder.model, Scripted(*replies), **settings)


def test_strict_points_are_those_of_all_repeats_that_can_be_read_strictly(folder):
    # The second is no integer, which only the official reading takes; the third nobody can read.
    found = judged(folder, "imug", points(5, 3), points(5, 2.5), "nothing", points(4, 1), repeats=4)
    readings = official_readings(folder.read_samples(), folder.read(), folder.model, found)
    assert readings.points == {(KEY, 1): (5.0, 3.0)}, "the first makes the official points"
    assert readings.strict_points == {(KEY, 1): (5.0, 3.0, 4.0, 1.0)}
    assert [(failure.repeat, failure.kind) for failure in readings.failures] == [(2, "no_object")]
    assert [failure.repeat for failure in readings.refused] == [1]
    scores, columns = point_scores(folder.read_samples(), readings)
    assert scores["point_score"] == columns["/".join(KEY), 1]["points_strict"] == pytest.approx(13 / 20)
    assert scores["point_score_imug"] == pytest.approx(8 / 10)


def test_repeats_of_the_strict_protocol_are_read_together(folder):
    found = judged(folder, "strict", points(5, 3), points(4, 1), repeats=2)
    assert repeated_points(found) == {(KEY, 1): (5.0, 3.0, 4.0, 1.0)}
    assert found.images == [imug.JudgedImage(KEY, 1, (5.0, 3.0))]


def test_points_of_boards_which_nobody_was_asked_for_stay(folder):
    judgements = imug.Judgements(images=[imug.JudgedImage(KEY, 1, (5.0,))])
    assert repeated_points(judgements) == {(KEY, 1): (5.0,)}
    assert repeated_points(imug.Judgements()) == Readings().strict_points == {}
