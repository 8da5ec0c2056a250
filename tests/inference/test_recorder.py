# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Each request is made once: what its reply is found by, what it costs, and whom it is asked of."""

from __future__ import annotations

import asyncio
import base64
import threading
from contextlib import closing

import pytest

from imug_metrics.inference.costs import Costs
from imug_metrics.inference.limits import Spending, SpendLimits, StoppedError
from imug_metrics.inference.model import ImageFile, Message, ModelError, Reply
from imug_metrics.inference.recorder import Place, Recorder
from imug_metrics.inference.run_folder import RunFolder

PLACE = Place("D/s/1", 1, 0)
ASKED = (Message("user", ("Which?",)),)


class Counted:
    """Replies to each request with the next of some replies, and counts."""

    def __init__(self, *replies) -> None:
        self.replies, self.seeds = list(replies), []

    def __call__(self, history, *, want, seed):
        self.seeds.append(seed)
        reply = self.replies[min(len(self.seeds), len(self.replies)) - 1]
        if isinstance(reply, Exception):
            raise reply
        return reply


def ask(folder, model, *requests, name="model", seed=0, retry=False, limits=None):
    """Replies, or errors, to requests (place, history, want, step), and the costs of all of them."""
    costs = Costs()

    async def all_of_them():
        spending = Spending(limits or SpendLimits())
        made = Recorder(model, name, RunFolder(folder), concurrency=4, seed=seed, spending=spending, retry_errors=retry)
        with closing(made) as recorder:
            found = []
            for place, history, want, step in requests:
                try:
                    found.append(await recorder.ask(place, costs, history, want, step))
                except ModelError as error:
                    found.append(error.reason)
            return found

    return asyncio.run(all_of_them()), costs


def test_the_same_request_twice_at_a_time_is_made_and_paid_once(tmp_path):
    asked = []

    async def model(history, *, want, seed):
        asked.append(want)
        await asyncio.sleep(0.01)
        return Reply(str(len(asked)), usage={"tokens": 5.0})

    async def main():
        costs = Costs()
        made = Recorder(model, "m", RunFolder(tmp_path), concurrency=4, seed=0, spending=Spending(SpendLimits()))
        with closing(made) as recorder:
            found = await asyncio.gather(*(recorder.ask(PLACE, costs, ASKED, "text", ()) for _ in range(3)))
        return [reply.text for reply in found], costs.total()

    texts, costs = asyncio.run(main())
    assert (len(asked), texts) == (1, ["1", "1", "1"])
    assert (costs["requests"], costs["tokens"]) == (1, 5)


def test_a_reply_is_asked_for_once(tmp_path):
    model = Counted("A", "B")
    first, _ = ask(tmp_path, model, (PLACE, ASKED, "text", ()))
    again, costs = ask(tmp_path, model, (PLACE, ASKED, "text", ()))
    assert first[0].text == again[0].text == "A"
    assert len(model.seeds) == 1
    assert costs.total()["requests"] == 1  # what a recorded reply has cost still counts


@pytest.mark.parametrize(
    "other",
    [
        {"place": Place("D/s/2", 1, 0)},
        {"place": Place("D/s/1", 2, 0)},
        {"place": Place("D/s/1", 1, 1)},
        {"history": (Message("user", ("Which one?",)),)},
        {"history": (Message("system", ("Which?",)),)},
        {"history": (Message("user", ("Which?", ImageFile(b"a"))),)},
        {"step": ("candidate", 1)},
        {"want": "image"},
        {"name": "another"},
        {"seed": 1},
    ],
    ids=lambda other: next(iter(other)),
)
def test_what_differs_in_anything_is_another_request(tmp_path, other):
    usual = {"place": PLACE, "history": ASKED, "want": "text", "step": ()}
    changed = usual | {name: value for name, value in other.items() if name in usual}
    model = Counted(Reply("A", b"png"))
    ask(tmp_path, model, tuple(usual.values()))
    ask(tmp_path, model, tuple(changed.values()), name=other.get("name", "model"), seed=other.get("seed", 0))
    assert len(model.seeds) == 2


def test_images_of_the_history_are_told_apart_by_their_content(tmp_path):
    model = Counted("A")
    histories = [(Message("user", (ImageFile(data),)),) for data in (b"a", b"b", b"a")]
    ask(tmp_path, model, *((PLACE, history, "text", ()) for history in histories))
    assert len(model.seeds) == 2


def test_seeds_hang_on_the_place_and_the_step_and_the_seed_alone(tmp_path):
    requests = [
        (Place("D", turn, sample), ASKED, "text", (step,)) for turn in (1, 2) for sample in (0, 1) for step in (1, 2)
    ]
    seeds = []
    for folder, order, seed in (("a", 1, 0), ("b", -1, 0), ("c", 1, 1)):
        model = Counted("A")
        ask(tmp_path / folder, model, *requests[::order], seed=seed)
        seeds.append(model.seeds[::order])
    assert seeds[0] == seeds[1]
    assert len({*seeds[0], *seeds[2]}) == 16
    assert all(0 <= seed < 2**31 for seed in seeds[0])


@pytest.mark.parametrize(
    "sent",
    [None, base64.b64encode(b"png").decode(), "data:image/png;base64," + base64.b64encode(b"png").decode(), "cG 5n\n"],
    ids=["unsent", "plain", "prefix", "odd"],
)
def test_an_image_comes_back_as_it_was_sent(tmp_path, sent):
    model = Counted(Reply(image=ImageFile(b"png", sent)))
    for _ in range(2):
        (reply,), _ = ask(tmp_path, model, (PLACE, ASKED, "image", ()))
        assert (reply.image.data, reply.image.as_sent) == (b"png", sent)
    assert len(model.seeds) == 1


def test_a_failure_is_recorded_and_asked_again_only_on_request(tmp_path):
    model = Counted(ModelError("no memory"), "A")
    request = (PLACE, ASKED, "text", ())
    assert ask(tmp_path, model, request)[0] == ["no memory"]
    assert ask(tmp_path, model, request)[0] == ["no memory"]
    (reply,), _ = ask(tmp_path, model, request, retry=True)
    assert (reply.text, len(model.seeds)) == ("A", 2)


def test_a_failure_is_not_asked_twice_in_one_run(tmp_path):
    model = Counted(ModelError("no memory"))
    request = (PLACE, ASKED, "text", ())
    ask(tmp_path, model, request, request, retry=True)
    assert len(model.seeds) == 1


def test_an_exception_of_the_model_is_a_failure(tmp_path):
    (said,), costs = ask(tmp_path, Counted(ZeroDivisionError("by 0")), (PLACE, ASKED, "text", ()))
    assert said == "ZeroDivisionError: by 0"
    assert set(costs.total()) == {"requests", "seconds", "images"}


def test_a_reply_of_the_other_kind_is_a_failure(tmp_path):
    (said,), _ = ask(tmp_path, Counted("A"), (PLACE, ASKED, "image", ()))
    assert said == "The reply of the model holds no image"


def test_a_lost_image_is_asked_for_again(tmp_path):
    model = Counted(b"png")
    ask(tmp_path, model, (PLACE, ASKED, "image", ()))
    for path in (tmp_path / "images").iterdir():
        path.unlink()
    (reply,), _ = ask(tmp_path, model, (PLACE, ASKED, "image", ()))
    assert (reply.image.data, len(model.seeds)) == (b"png", 2)


def test_costs_are_summed_and_what_some_reply_did_not_tell_is_left_out(tmp_path):
    replies = [Reply("A", usage={"tokens": 10, "seconds": 2.0}), Reply(image=b"png", usage={"seconds": 3.0})]
    requests = [(PLACE, ASKED, "text", (0,)), (PLACE, ASKED, "image", (1,))]
    _, costs = ask(tmp_path, Counted(*replies), *requests)
    assert costs.total() == {"requests": 2.0, "seconds": 5.0, "images": 1.0}  # images are counted, a text has none
    _, first = ask(tmp_path, Counted(), requests[0])
    assert first.total() == {"requests": 1.0, "seconds": 2.0, "tokens": 10.0, "images": 0.0}
    _, second = ask(tmp_path, Counted(), requests[1])
    assert second.total() == {"requests": 1.0, "seconds": 3.0, "images": 1.0}


def test_a_limit_stops_new_requests_but_not_recorded_ones(tmp_path):
    ask(tmp_path, Counted("A"), (PLACE, ASKED, "text", (0,)))
    with pytest.raises(StoppedError):
        ask(
            tmp_path,
            Counted("A"),
            *((PLACE, ASKED, "text", (step,)) for step in (0, 1, 2)),
            limits=SpendLimits(requests=1),
        )
    assert len((tmp_path / "journal.jsonl").read_text().splitlines()) == 2


class Asynchronous:
    async def __call__(self, history, *, want, seed):
        await asyncio.sleep(0)
        return f"in {threading.current_thread().name}"


async def coroutine(history, *, want, seed):
    return f"in {threading.current_thread().name}"


def plain(history, *, want, seed):
    return f"in {threading.current_thread().name}"


@pytest.mark.parametrize(
    ("model", "thread"),
    [
        (Asynchronous(), "in MainThread"),
        (coroutine, "in MainThread"),
        (lambda history, *, want, seed: coroutine(history, want=want, seed=seed), "in MainThread"),
        (plain, "in model_0"),
    ],
    ids=["object", "coroutine", "returns one", "plain"],
)
def test_plain_functions_run_in_threads_and_coroutines_in_the_loop(tmp_path, model, thread):
    (reply,), _ = ask(tmp_path, model, (PLACE, ASKED, "text", ()))
    assert reply.text == thread


def test_a_model_that_knows_turns_is_told_them(tmp_path):
    class Knowing:
        knows_turns = True

        def __call__(self, history, *, want, seed, dialogue, turn):
            return f"{dialogue} {turn}"

    (reply,), _ = ask(tmp_path, Knowing(), (PLACE, ASKED, "text", ()))
    assert reply.text == "D/s/1 1"
