# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Which column holds what: as it was named, by a usual name where that is certain, and else refused with the cure."""

from __future__ import annotations

from pathlib import Path

import pytest

from imug_metrics.errors import ArgumentError
from imug_metrics.formats.tables.columns import find_columns, names_turn

PATH = Path("mine.csv")


@pytest.mark.parametrize(
    ("names", "dialogue", "of"),
    [
        (["dialogue", "turn", "score"], ("dialogue",), {"turn": "turn", "score": "score"}),
        (["Dialogue ID", "Turn", "Score"], ("Dialogue ID",), {"turn": "Turn", "score": "Score"}),
        (["conversation_id", "round", "response"], ("conversation_id",), {"turn": "round", "text": "response"}),
        (["id", "round_id", "completion"], ("id",), {"turn": "round_id", "text": "completion"}),
        # An id of the row beside one of the dialogue, and a step of training beside a turn.
        (["id", "dialogue", "turn", "score"], ("dialogue",), {"turn": "turn", "score": "score"}),
        (["sample_id", "session_id", "turn_id", "score"], ("session_id",), {"turn": "turn_id", "score": "score"}),
        (["dialogue", "step", "turn", "score"], ("dialogue",), {"turn": "turn", "score": "score"}),
        # Samples that are numbered within their domain.
        (
            ["domain", "subdomain", "sample_id", "turn", "score"],
            ("domain", "subdomain", "sample_id"),
            {"turn": "turn", "score": "score", "domain": "domain", "subdomain": "subdomain"},
        ),
        # What `answer` means.
        (["id", "turn", "answer", "target"], ("id",), {"turn": "turn", "text": "answer", "target": "target"}),
        (["id", "turn", "answer", "prediction"], ("id",), {"turn": "turn", "text": "prediction", "target": "answer"}),
        (["id", "turn", "answer"], ("id",), {"turn": "turn", "text": "answer"}),
        (["id", "turn", "answer", "reply", "label"], ("id",), {"turn": "turn", "text": "reply", "target": "label"}),
        # What `reference` and `image` mean.
        (["id", "turn", "output", "reference"], ("id",), {"turn": "turn", "text": "output", "target": "reference"}),
        (["id", "turn", "image", "reference"], ("id",), {"turn": "turn", "image": "image", "reference": "reference"}),
        (["id", "turn", "image", "generated_image"], ("id",), {"turn": "turn", "image": "generated_image"}),
        # Scores with names of their own.
        (
            ["id", "turn", "score.clip", "scores.judge", "cost.tokens"],
            ("id",),
            {"turn": "turn", "score.clip": "score.clip", "score.judge": "scores.judge", "cost.tokens": "cost.tokens"},
        ),
        (["", "id", "turn", "score", "note"], ("id",), {"turn": "turn", "score": "score"}),
    ],
)
def test_usual_names_are_found(names, dialogue, of) -> None:
    found = find_columns(names, {}, PATH)
    assert found.dialogue == dialogue
    assert {field: column for field, column in found.of.items() if field != "dialogue"} == of


@pytest.mark.parametrize(
    ("names", "given", "message"),
    [
        (["dialogue_id", "session_id", "turn", "score"], {}, "`dialogue_id` and `session_id` may be the dialogue"),
        (["id", "sample_id", "turn", "score"], {}, "`id` and `sample_id` may be the dialogue"),
        (["id", "round", "round_id", "score"], {}, "`round` and `round_id` may be the turn; .* turn=round"),
        (["id", "step", "score"], {}, "no column holds the turn"),  # it may as well be one of training
        (["id", "turn", "response", "output"], {}, "`response` and `output` may be the text"),
        (["id", "turn", "reply", "label", "gold"], {}, "`label` and `gold` may be the target"),
        (["id", "turn", "Score", "score "], {}, "may be the score"),
        (["name", "turn", "score"], {}, "no column names the dialogue; .* are name, turn, score: .*dialogue=id"),
        (["id", "score"], {}, "no column holds the turn; .*turn=t, or say turn=1"),
        (["id", "turn", "clip", "dino"], {}, "no column holds an answer, an image or a score; .* clip, dino"),
        (["id", "turn", "target"], {}, "no column holds an answer"),
        (["id", "t", "s"], {"turn": "T", "score": "s"}, "no column 'T'"),
        (["id", "turn", "scor"], {"score": "score"}, "no column 'score'; did you mean `scor`"),
        (["id", "turn", "score"], {"turn": "0"}, "no column '0'"),
        (["id", "turn", "score"], {"dialogue": "doc.id"}, "no column 'doc.id'"),
    ],
)  # fmt: skip
def test_what_is_not_certain_is_refused_with_the_cure(names, given, message) -> None:
    with pytest.raises(ArgumentError, match=message):
        find_columns(names, given, PATH)


@pytest.mark.parametrize(
    ("given", "of"),
    [
        ({"dialogue": "id", "turn": "t", "score": "s"}, {"turn": "t", "score": "s"}),
        ({"dialogue": "id", "turn": "t", "score.clip": "s"}, {"turn": "t", "score.clip": "s"}),
        ({"dialogue": "id", "turn": "t", "text": "score"}, {"turn": "t", "text": "score"}),
        ({"dialogue": "doc.session", "turn": "t", "score": "s"}, {"turn": "t", "score": "s"}),
        ({"dialogue": "id", "turn": "t", "text": "response"}, {"turn": "t", "text": "response", "score": "score"}),
    ],
)
def test_named_columns_come_first(given, of) -> None:
    names = ["id", "t", "s", "score", "response", "output", "doc"]
    found = find_columns(names, {"text": "output", **given}, PATH)
    assert found.dialogue == (given["dialogue"],)
    assert found.of["turn"] == "t"
    for field, column in of.items():
        assert found.of[field] == column


def test_a_number_is_the_turn_of_every_row() -> None:
    found = find_columns(["id", "score"], {"turn": "1"}, PATH)
    assert found.turn == 1
    assert "turn" not in found.of


@pytest.mark.parametrize("name", ["turn", "Turn", "turn_id", "TURN-INDEX", "round", "turn number"])
def test_a_turn_is_known_however_it_is_written(name) -> None:
    assert names_turn(["x", name])
    assert not names_turn(["returns", "turnover", "x"])
