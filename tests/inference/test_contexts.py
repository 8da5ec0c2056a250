# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Histories that are filled up: to the budget, with other dialogues' turns, around the dialogue's own."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from imug_metrics.errors import ArgumentError
from imug_metrics.inference.contexts import DEPTHS, ContextPadding, parse_contexts
from imug_metrics.inference.fillers import FillerTurn, filler_pool
from imug_metrics.inference.histories import References
from imug_metrics.inference.model import ImageFile, Message
from imug_metrics.inference.questions import Question
from imug_metrics.inference.tokens import token_counter

COUNTER = token_counter()
PNG = b"\x89PNG\r\n\x1a\n"


def question(name: str, turns: int = 3, root: Path = Path()) -> Question:
    """A dialogue of text turns of different lengths."""
    tasks = [
        {
            "turn": turn,
            "modality": "text",
            "input": [{"text": f"{name}.{turn}: which? A. one B. two {'more ' * (turn * len(name))}"}],
            "output": {"answer": "AB"[turn % 2]},
        }
        for turn in range(1, turns + 1)
    ]
    return Question(("Domain", "sub", name), {"tasks": tasks}, 1, root)


QUESTIONS = [question(f"{number}{'x' * (number % 7)}") for number in range(40)]
POOL = filler_pool(QUESTIONS)
SYSTEM = Message("system", ("Answer with a letter.",))
OWN = (Message("user", ("own question",)), Message("assistant", ("own answer",)))
ASKED = Message("user", ("own second question",))


def padded_with(budget: int, dialogue: str = "Domain/sub/0", turn: int = 2, seed: int = 0):
    return ContextPadding(budget, COUNTER, POOL, seed).pad(dialogue, turn, (SYSTEM, *OWN, ASKED))


@pytest.mark.parametrize("budget", [100, 333, 1000])
def test_the_budget_is_reached_up_to_the_smallest_filler_left(budget: int) -> None:
    padded = padded_with(budget)
    assert padded.tokens == COUNTER(padded.history) <= budget
    said = {message.text for message in padded.history}
    left = [filler for filler in POOL if filler.question.dialogue != "Domain/sub/0" and filler.texts[0] not in said]
    assert padded.tokens + min(COUNTER(filler.messages()) for filler in left) > budget


def test_fillers_are_whole_turns_of_other_dialogues_each_once() -> None:
    padded = padded_with(1000, dialogue=QUESTIONS[3].dialogue)
    messages = [message for message in padded.history if message not in (SYSTEM, *OWN, ASKED)]
    turns = list(zip(messages[::2], messages[1::2], strict=True))
    known = {filler.messages(): filler for filler in POOL}
    assert len(turns) == padded.fillers == len(set(turns)) > 5
    assert all(known[turn].question is not QUESTIONS[3] for turn in turns)


@pytest.mark.parametrize("turn", range(1, 6))
def test_the_dialogues_own_turns_stay_together_at_their_depth(turn: int) -> None:
    padded = padded_with(600, turn=turn)
    history = padded.history
    place = history.index(OWN[0])
    assert history[0] == SYSTEM
    assert history[-1] == ASKED
    assert history[place + 1] == OWN[1]
    assert padded.depth in DEPTHS
    assert (place - 1) / 2 / padded.fillers == pytest.approx(padded.depth, abs=0.501 / padded.fillers)
    assert all(one.role != other.role for one, other in pairwise(history))


def test_depths_are_balanced_over_every_five_turns_and_over_dialogues() -> None:
    of_one = [padded_with(300, turn=turn).depth for turn in range(2, 7)]
    assert sorted(of_one) == list(DEPTHS)
    at_turn_2 = Counter(padded_with(100, dialogue=f"d{number}").depth for number in range(200))
    assert set(at_turn_2) == set(DEPTHS)
    assert max(at_turn_2.values()) < 65  # of 200, 40 expected with a standard deviation of 5.7


def test_a_first_turn_has_no_depth() -> None:
    padded = ContextPadding(200, COUNTER, POOL).pad("d", 1, (SYSTEM, ASKED))
    assert padded.depth is None
    assert padded.fillers > 1
    assert (padded.history[0], padded.history[-1]) == (SYSTEM, ASKED)


def test_draws_hang_on_seed_dialogue_and_turn_but_not_on_the_order_of_the_pool() -> None:
    first = padded_with(500)
    assert ContextPadding(500, COUNTER, POOL[::-1]).pad("Domain/sub/0", 2, (SYSTEM, *OWN, ASKED)) == first
    others = [padded_with(500, seed=1), padded_with(500, dialogue="Domain/sub/z"), padded_with(500, turn=7)]
    assert all(other.history != first.history for other in others)


def test_a_longer_context_begins_its_draw_as_a_shorter_one() -> None:
    short, long = (ContextPadding(budget, COUNTER, POOL).pad("d", 1, (ASKED,)) for budget in (200, 2000))
    same = [one == other for one, other in zip(short.history, long.history, strict=False)]
    assert same[:6] == [True] * 6


def test_a_history_longer_than_the_budget_stays_as_it_is() -> None:
    history = (Message("user", ("long " * 200,)),)
    padded = ContextPadding(100, COUNTER, POOL).pad("d", 1, history)
    assert (padded.history, padded.fillers, padded.tokens) == (history, 0, 250)


def test_what_is_recorded_names_the_counter_and_the_rule_of_images() -> None:
    history = (*OWN, Message("user", ("look", ImageFile(PNG))))
    padded = ContextPadding(600, token_counter(image_tokens=100), POOL).pad("d", 2, history)
    told = padded.describe()
    assert told == {
        "budget": 600,
        "tokens": padded.tokens,
        "images": 1,
        "fillers": padded.fillers,
        "depth": padded.depth,
        "tokenizer": "bytes/4",
        "image_tokens": 100,
    }


def test_a_pool_that_is_too_small_is_refused_with_what_it_gives() -> None:
    sizes = {asked.dialogue: sum(COUNTER(f.messages()) for f in filler_pool([asked])) for asked in QUESTIONS}
    most = sum(sizes.values()) - max(sizes.values())
    assert ContextPadding(most, COUNTER, POOL).budget == most
    with pytest.raises(ArgumentError, match=f"`contexts`: expected at most {most} tokens"):
        ContextPadding(most + 1, COUNTER, POOL)


@pytest.mark.parametrize("text", ["", "4k,", "0", "-1", "4K8", "1.5k", "4m", "٤k"])
def test_lists_of_lengths_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ArgumentError, match="`contexts`"):
        parse_contexts(text)


def _turn(number: int, modality: str, output: object, *inputs: dict[str, str]) -> dict[str, object]:
    return {"turn": number, "modality": modality, "input": list(inputs), "output": output}


def test_turns_without_a_reference_output_are_no_fillers(tmp_path: Path) -> None:
    images = tmp_path / "data" / "images"
    images.mkdir(parents=True)
    (images / "in.png").write_bytes(PNG + b"in")
    (images / "out.png").write_bytes(PNG + b"out")
    rows = [
        _turn(1, "text", {"answer": "A"}, {"image": "in.png", "text": "which?"}),
        _turn(2, "text", {"answer": "<DYNAMIC>"}, {"text": "what did you draw?"}),
        _turn(3, "image", {"evaluation_points": ["red"]}, {"text": "draw"}),
        _turn(4, "image", {"image": "out.png"}, {"text": "draw again"}),
        _turn(5, "text", {"answer": "B"}, {"image": "gone.png"}),
        _turn(6, "text", {"answer": "B"}, {"text": "and now?"}),
        _turn(7, "video", {"answer": "B"}, {"text": "no such modality"}),
    ]
    asked = Question(("D", "s", "1"), {"system_prompt": "Be short.", "tasks": rows}, 1, tmp_path)
    pool = filler_pool([asked])
    assert [(filler.task.turn, filler.texts, filler.images) for filler in pool] == [
        (1, ("which?", "A"), 1),
        (4, ("draw again",), 1),
        (6, ("and now?", "B"), 0),
    ]
    assert pool[0].messages()[0].parts == (ImageFile(PNG + b"in"), "which?")
    assert pool[1].messages()[1] == Message("assistant", (ImageFile(PNG + b"out"),))


def test_references_may_come_from_a_folder_of_outputs(tmp_path: Path) -> None:
    folder = tmp_path / "people" / "D" / "s" / "question_1"
    folder.mkdir(parents=True)
    (folder / "turn_1_output.png").write_bytes(PNG)
    rows = [_turn(1, "image", {}, {"text": "draw"}), _turn(2, "image", {}, {"text": "again"})]
    asked = Question(("D", "s", "1"), {"tasks": rows}, 1, tmp_path)
    pool = filler_pool([asked], References(tmp_path / "people"))
    assert [filler.task.turn for filler in pool] == [1]
    assert isinstance(pool[0], FillerTurn)
    assert pool[0].messages()[1].parts == (ImageFile(PNG),)
