# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Many questions: order, limits, second asking, repeats, and what a rerun asks."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imug_metrics.judges import (
    ImagePart,
    Judge,
    JudgeError,
    JudgeRequest,
    Question,
    ReplyError,
    judge_all,
    judge_all_async,
)
from imug_metrics.judges.journal import Journal
from imug_metrics.judges.scheduler import GIVE_UP_AFTER, REASK


class Scripted:
    """Replies with `reply(text, number of the request)`, which may raise."""

    def __init__(self, reply: Callable[[str, int], str], concurrency: int = 4, name: str = "scripted") -> None:
        self.reply, self.concurrency, self.name = reply, concurrency, name
        self.requests: list[JudgeRequest] = []
        self.open = self.highest = self.closed = 0

    async def ask(self, request: JudgeRequest) -> str:
        self.requests.append(request)
        number = len(self.requests)
        self.open += 1
        self.highest = max(self.highest, self.open)
        try:
            await asyncio.sleep(0.001 * (number % 3))  # answers do not come in order
            return self.reply("\n".join(part for part in request.parts if isinstance(part, str)), number)
        finally:
            self.open -= 1

    async def aclose(self) -> None:
        self.closed += 1


def score(reply: str) -> int:
    try:
        return int(reply)
    except ValueError:
        raise ReplyError("no_number", f"Expected a number, got {reply!r}.") from None


def question(number: int, parse: Callable[[str], Any] = score, image: bytes = b"png") -> Question[Any]:
    return Question(("model", number), lambda: JudgeRequest("Judge.", (ImagePart(image), f"{number}")), parse)


def questions(count: int) -> list[Question[int]]:
    return [question(number) for number in range(count)]


def itself(text: str, number: int) -> str:
    return text.split("\n")[0]


def values(verdicts: list[Any]) -> list[Any]:
    return [verdict.value for verdict in verdicts]


def test_verdicts_stand_in_the_order_of_the_questions():
    judge = Scripted(itself)
    assert isinstance(judge, Judge)
    found = judge_all(questions(40), judge)
    assert values(found) == list(range(40))
    assert {(verdict.error, verdict.asked, verdict.repeat) for verdict in found} == {(None, 1, 0)}
    assert found[7].key == ("model", 7)
    assert found[7].reply == "7"
    assert judge.closed == 1


def test_no_questions_no_verdicts():
    assert judge_all([], Scripted(itself)) == []


def test_requests_are_made_one_by_one_and_forgotten():
    made: list[weakref.ref[Any]] = []
    alive = []

    class Page(str):  # a str that can be watched
        pass

    def build() -> JudgeRequest:
        page = Page("1")
        made.append(weakref.ref(page))
        alive.append(sum(one() is not None for one in made))
        return JudgeRequest(None, (page,))

    def stream() -> Iterator[Question[int]]:
        for number in range(200):
            assert number <= len(made) + 5  # taken only when there is room
            yield Question((number,), build, int)

    gc.collect()
    judge = Scripted(itself, concurrency=5)
    judge.requests = type("Counted", (list,), {"append": lambda self, item: list.append(self, None)})()
    judge_all(stream(), judge)
    assert len(made) == 200
    assert judge.highest == 5
    assert max(alive) <= 5


def test_a_malformed_reply_is_asked_for_again_with_its_error():
    judge = Scripted(lambda text, number: "3" if "could not be used" in text else "three")
    [found] = judge_all([question(0)], judge)
    assert (found.value, found.asked, found.reply) == (3, 2, "3")
    first, second = judge.requests
    error = "no_number: Expected a number, got 'three'."
    assert second.parts == (*first.parts, REASK.format(error=error))
    assert (second.system, second.temperature) == (first.system, first.temperature)


def test_a_second_malformed_reply_is_a_failure():
    judge = Scripted(lambda text, number: "three" if number % 2 else "four")
    [found] = judge_all([question(0)], judge)
    assert (found.value, found.asked, found.reply) == (None, 2, "four")
    assert found.error == "no_number: Expected a number, got 'four'."
    assert len(judge.requests) == 2


def test_without_asking_again_the_first_malformed_reply_is_a_failure():
    [found] = judge_all([question(0)], Scripted(lambda text, number: "three"), reask=False)
    assert (found.value, found.asked, found.reply) == (None, 1, "three")


def test_long_errors_are_cut():
    [found] = judge_all([question(0)], Scripted(lambda text, number: "x" * 10_000_000), reask=False)
    assert len(found.error) < 1100


def fails(*numbers: int) -> Callable[[str, int], str]:
    def reply(text: str, number: int) -> str:
        if int(text.split("\n")[0]) in numbers:
            raise JudgeError("server", "500 Internal Server Error")
        return itself(text, number)

    return reply


def test_a_judge_that_gives_up_leaves_a_failure_and_is_not_asked_again():
    judge = Scripted(fails(2))
    found = judge_all(questions(4), judge)
    assert values(found) == [0, 1, None, 3]
    assert (found[2].error, found[2].reply, found[2].asked) == ("server: 500 Internal Server Error", None, 1)
    assert len(judge.requests) == 4


def test_a_reply_that_the_judge_refuses_to_pass_on_counts_as_malformed():
    def reply(text: str, number: int) -> str:
        if number == 1:
            raise ReplyError("cut", "The reply was cut off.", '{"sc')
        return "5"

    [found] = judge_all([question(0)], Scripted(reply))
    assert (found.value, found.asked) == (5, 2)


def test_a_request_that_cannot_be_made_is_a_failure_of_its_own(tmp_path: Path):
    def build() -> JudgeRequest:
        return JudgeRequest(None, (ImagePart((tmp_path / "absent.png").read_bytes()),))

    judge = Scripted(itself)
    found = judge_all([question(0), Question(("absent",), build, score), question(2)], judge)
    assert values(found) == [0, None, 2]
    assert found[1].error.startswith("request: ")
    assert "absent.png" in found[1].error
    assert (found[1].asked, len(judge.requests)) == (0, 2)


def test_a_judge_that_has_gone_is_not_asked_for_ever(tmp_path: Path):
    judge = Scripted(fails(*range(1000)), concurrency=8)
    found = judge_all(questions(1000), judge, journal=tmp_path / "journal.jsonl")
    assert GIVE_UP_AFTER <= len(judge.requests) < GIVE_UP_AFTER + 8
    assert len(found) == 1000
    assert sum(verdict.asked for verdict in found) == len(judge.requests)
    assert {verdict.error.split(":")[0] for verdict in found} == {"server", "not_asked"}
    again = Scripted(itself)  # the key is corrected, say, and the same command started again
    found = judge_all(questions(1000), again, journal=tmp_path / "journal.jsonl")
    assert values(found) == list(range(1000))
    assert len(again.requests) == 1000


def test_questions_that_fail_in_every_run_do_not_keep_it_from_the_others(tmp_path: Path):
    path, bad = tmp_path / "journal.jsonl", GIVE_UP_AFTER + 20
    for _ in range(2):  # the first run gives up, the second comes to the end of the bad ones
        judge_all(questions(bad), Scripted(fails(*range(bad)), concurrency=1), journal=path)
    judge = Scripted(fails(*range(bad)), concurrency=1)
    found = judge_all(questions(bad + 50), judge, journal=path)
    assert values(found) == [None] * bad + list(range(bad, bad + 50))
    assert {verdict.error for verdict in found[:bad]} == {
        "server: 500 Internal Server Error"
    }  # also of those not asked
    assert len(judge.requests) == 50 + GIVE_UP_AFTER


def test_images_that_cannot_be_decoded_do_not_end_a_run():
    def reply(text: str, number: int) -> str:
        if int(text) < 2 * GIVE_UP_AFTER:
            raise JudgeError("image", "Expected a readable image as image 0.")
        return text

    found = judge_all(questions(2 * GIVE_UP_AFTER + 5), Scripted(reply))
    assert values(found)[-5:] == list(range(2 * GIVE_UP_AFTER, 2 * GIVE_UP_AFTER + 5))


def test_a_reply_is_kept_where_the_reader_fails(tmp_path: Path):
    path, judge = tmp_path / "journal.jsonl", Scripted(itself)
    with pytest.raises(ZeroDivisionError):
        judge_all([question(1, lambda reply: 1 / 0)], judge, journal=path)
    assert values(judge_all([question(1)], judge, journal=path)) == [1]
    assert len(judge.requests) == 1


def test_a_full_disk_ends_the_run(tmp_path: Path):
    path, full = tmp_path / "journal.jsonl", OSError(28, "No space left on device")
    write, written = Journal._write, []

    def write_some(journal: Journal, line: bytes) -> None:
        if len(written) == 5:
            write(journal, line[:20])
            raise full
        written.append(line)
        write(journal, line)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Journal, "_write", write_some)
        with pytest.raises(OSError, match="No space left"):
            judge_all(questions(100), Scripted(itself, concurrency=1), journal=path)
    again = Scripted(itself)
    assert values(judge_all(questions(100), again, journal=path)) == list(range(100))
    assert len(again.requests) == 95


def test_scattered_failures_do_not_end_a_run():
    judge = Scripted(fails(*range(0, 400, 2)))
    found = judge_all(questions(400), judge)
    assert sum(verdict.value is not None for verdict in found) == 200
    assert len(judge.requests) == 400


def test_repeats_are_asked_independently_and_stand_beside_each_other():
    judge = Scripted(lambda text, number: str(number), concurrency=1)
    found = judge_all(questions(2), judge, repeats=3)
    assert [(verdict.key[1], verdict.repeat, verdict.value) for verdict in found] == [
        (0, 0, 1), (0, 1, 2), (0, 2, 3), (1, 0, 4), (1, 1, 5), (1, 2, 6),
    ]  # fmt: skip
    assert [request.repeat for request in judge.requests] == [0, 1, 2, 0, 1, 2]


def test_progress_hears_of_every_verdict():
    heard: list[Any] = []
    found = judge_all(questions(9), Scripted(fails(3)), progress=heard.append)
    assert sorted(heard, key=lambda verdict: verdict.key) == found


def test_what_the_journal_holds_is_not_asked_again(tmp_path: Path):
    path = tmp_path / "journal.jsonl"
    first, second = Scripted(itself), Scripted(itself)
    before = judge_all(questions(10), first, journal=path, repeats=2)
    assert judge_all(questions(10), second, journal=path, repeats=2) == before
    assert second.requests == []
    found = judge_all(questions(12), second, journal=path, repeats=3)
    # 2 new questions 3 times, and the third repeat of the old ones
    assert len(second.requests) == 2 * 3 + 10
    assert values(found)[:12] == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]


@pytest.mark.parametrize("change", ["image", "prompt", "key", "judge", "temperature"])
def test_an_answer_belongs_to_exactly_what_was_asked(tmp_path: Path, change: str):
    path = tmp_path / "journal.jsonl"
    judge_all(questions(1), Scripted(itself), journal=path)
    image = b"another" if change == "image" else b"png"
    system = "Judge!" if change == "prompt" else "Judge."
    request = JudgeRequest(system, (ImagePart(image), "0"), 0.5 if change == "temperature" else None)
    key = ("other" if change == "key" else "model", 0)
    judge = Scripted(itself, name="other" if change == "judge" else "scripted")
    judge_all([Question(key, lambda: request, score)], judge, journal=path)
    assert len(judge.requests) == 1


def test_a_question_without_a_reply_is_asked_again_and_one_with_a_useless_reply_only_on_demand(tmp_path: Path):
    path = tmp_path / "journal.jsonl"

    def reply(text: str, number: int) -> str:
        return "three" if text.startswith("1") else fails(2)(text, number)

    before = judge_all(questions(4), Scripted(reply), journal=path)
    assert values(before) == [0, None, None, 3]
    judge = Scripted(reply)
    assert judge_all(questions(4), judge, journal=path) == before
    assert [request.parts[-1] for request in judge.requests] == ["2"]
    judge = Scripted(itself)
    assert values(judge_all(questions(4), judge, journal=path)) == [0, None, 2, 3]
    assert [request.parts[-1] for request in judge.requests] == ["2"]
    assert values(judge_all(questions(4), judge, journal=path, retry_errors=True)) == [0, 1, 2, 3]
    assert [request.parts[-1] for request in judge.requests] == ["2", "1"]
    assert values(judge_all(questions(4), Scripted(reply), journal=path)) == [0, 1, 2, 3]


def test_a_run_that_ended_after_the_first_malformed_reply_asks_for_the_second_alone(tmp_path: Path):
    path = tmp_path / "journal.jsonl"
    judge_all([question(0)], Scripted(lambda text, number: "zero"), journal=path, reask=False)
    judge = Scripted(itself)
    [found] = judge_all([question(0)], judge, journal=path)
    assert (found.value, found.asked, len(judge.requests)) == (0, 2, 1)
    assert "could not be used" in str(judge.requests[0].parts[-1])


def test_a_stricter_reader_sees_the_recorded_reply(tmp_path: Path):
    def even(reply: str) -> int:
        if int(reply) % 2:
            raise ReplyError("odd", "Expected an even number.")
        return int(reply)

    path = tmp_path / "journal.jsonl"
    judge_all(questions(2), Scripted(itself), journal=path)
    judge = Scripted(lambda text, number: "4")
    found = judge_all([question(number, even) for number in range(2)], judge, journal=path)
    assert values(found) == [0, 4]
    assert len(judge.requests) == 1


def test_two_questions_of_one_key_are_refused():
    with pytest.raises(ValueError, match=r"different keys, got \('model', 1\) twice"):
        judge_all([question(1), question(2), question(1)], Scripted(itself))


@pytest.mark.parametrize("where", ["stream", "build", "parse", "ask", "progress"])
def test_an_error_of_the_program_ends_the_run_and_everything_in_it(where: str, tmp_path: Path):
    class Bug(Exception):
        pass

    def bug(*_: Any) -> Any:
        raise Bug

    def stream() -> Iterator[Question[Any]]:
        yield from questions(3)
        if where == "stream":
            bug()
        yield Question(("bug",), bug if where == "build" else question(3).build, bug if where == "parse" else score)
        yield from (question(number) for number in range(10, 20))

    judge = Scripted(bug if where == "ask" else itself)
    progress = bug if where == "progress" else None
    path = tmp_path / "journal.jsonl"
    with pytest.raises(Bug):
        judge_all(stream(), judge, journal=path, progress=progress)
    assert judge.open == 0
    assert judge.closed == 1
    assert values(judge_all(questions(3), Scripted(itself), journal=path)) == [0, 1, 2]  # the lock is free again


@pytest.mark.parametrize(("repeats", "concurrency"), [(0, 1), (1, 0)])
def test_counts_below_one_are_refused(repeats: int, concurrency: int):
    with pytest.raises(ValueError, match=">= 1, got 0"):
        judge_all(questions(1), Scripted(itself, concurrency=concurrency), repeats=repeats)


def test_it_works_inside_a_running_event_loop():
    async def cell() -> list[Any]:
        return judge_all(questions(3), Scripted(itself)) + await judge_all_async(questions(3), Scripted(itself))

    assert values(asyncio.run(cell())) == [0, 1, 2, 0, 1, 2]


def test_an_error_inside_a_running_event_loop_reaches_the_caller():
    async def cell() -> Any:
        return judge_all([question(1), question(1)], Scripted(itself))

    with pytest.raises(ValueError, match="twice"):
        asyncio.run(cell())


def test_cancelling_ends_all_requests():
    judge = Scripted(itself)

    async def main() -> None:
        run = asyncio.ensure_future(judge_all_async(questions(10_000), judge))
        while len(judge.requests) < 10:
            await asyncio.sleep(0.001)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        assert judge.open == 0

    asyncio.run(main())
    assert judge.closed == 1


def test_ctrl_c_in_a_notebook_ends_the_run(tmp_path: Path):
    path = tmp_path / "journal.jsonl"

    def reply(text: str, number: int) -> str:
        if number == 50:
            os.kill(os.getpid(), signal.SIGINT)
        return itself(text, number)

    async def cell() -> None:
        judge_all(questions(100_000), judge, journal=path)

    judge = Scripted(reply)
    loop = asyncio.new_event_loop()
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # processes in the background ignore the signal
    try:
        with pytest.raises(KeyboardInterrupt):
            loop.run_until_complete(cell())  # asyncio.run would catch the signal, which notebooks do not
    finally:
        signal.signal(signal.SIGINT, handler)
        loop.close()
    assert judge.open == 0
    assert judge.closed == 1
    assert len(judge.requests) < 100_000
    again = Scripted(itself)
    assert values(judge_all(questions(50), again, journal=path)) == list(range(50))  # the lock is free
    assert len(again.requests) < 10
