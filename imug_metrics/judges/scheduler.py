# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Many questions to one judge: as many at a time as it takes, each answer recorded at once, nothing asked twice."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Generic, TypeVar

from imug_metrics._event_loops import run_to_end
from imug_metrics.judges.journal import Address, Answer, Journal, address_of
from imug_metrics.judges.protocol import Judge, JudgeError, JudgeRequest, ReplyError
from imug_metrics.judges.questions import Question, Verdict

T = TypeVar("T")

REASK = (
    "Your last reply could not be used. {error}\n"
    "Reply again to all of the above, in exactly the form that was asked for."
)
"""Text that is added at the end of a request that is made for the second time."""

GIVE_UP_AFTER = 100
"""Requests in a row without any reply after which nothing more is asked: the judge is gone, not busy."""

# Seconds between the first requests. Sent at once, they would be answered at once, and again and again wait for each
# other while they are read and the next ones are made.
_STAGGER = 0.001

_ERROR_LENGTH = 1000


def judge_all(
    questions: Iterable[Question[T]],
    judge: Judge,
    *,
    journal: Path | None = None,
    repeats: int = 1,
    reask: bool = True,
    retry_errors: bool = False,
    progress: Callable[[Verdict[T]], None] | None = None,
) -> list[Verdict[T]]:
    """Ask a judge everything, and go on where an earlier call stopped.

    At most `judge.concurrency` requests exist at a time. No failure of the judge ends the call or is left out: it is in
    the verdict. After 100 requests in a row without any reply nothing more is asked; the verdicts of the rest say so.

    Questions to which an earlier call had no reply at all (wrong key, no connection, a busy server) are asked again,
    after all others.

    It may be called where an event loop is running (in a notebook), which then waits;
    `judge_all_async` is the form that does not block.

    Args:
        questions: taken one by one, when there is room for another.
        judge: whom to ask.
        journal: file in which every answer is recorded as it arrives. A reply that it holds is not asked for again.
        repeats: how many times each question is asked independently.
        reask: ask a second time, with the error at the end of the request, where a reply is malformed.
        retry_errors: ask again also where an earlier call had a reply that could not be used.
        progress: called with each verdict when it is there, in the order of arrival.

    Returns:
        One verdict a question and repeat: in the order of questions, the repeats of one next to each other.

    Raises:
        ValueError: if two questions have the same key, or `repeats` or the judge's concurrency is less than 1.
        JournalLockedError: if another process writes to the journal.
        OSError: if the journal cannot be read or written, or the file is none.

    Example:
        >>> class Echo:
        ...     name, concurrency = "echo", 2
        ...     async def ask(self, request):
        ...         return request.parts[0]
        >>> questions = [Question((n,), lambda n=n: JudgeRequest(None, (str(n),)), int) for n in range(3)]
        >>> [verdict.value for verdict in judge_all(questions, Echo())]
        [0, 1, 2]
    """
    verdicts = judge_all_async(
        questions,
        judge,
        journal=journal,
        repeats=repeats,
        reask=reask,
        retry_errors=retry_errors,
        progress=progress,
    )
    return run_to_end(verdicts)


async def judge_all_async(
    questions: Iterable[Question[T]],
    judge: Judge,
    *,
    journal: Path | None = None,
    repeats: int = 1,
    reask: bool = True,
    retry_errors: bool = False,
    progress: Callable[[Verdict[T]], None] | None = None,
) -> list[Verdict[T]]:
    """`judge_all` for a running event loop; arguments and result are the same."""
    for name, count in (("repeats", repeats), ("judge.concurrency", judge.concurrency)):
        if count < 1:
            raise ValueError(f"Expected argument `{name}` to be >= 1, got {count}.")
    with nullcontext() if journal is None else Journal(journal) as opened:
        scheduler = _Scheduler(_tasks(questions, repeats), judge, opened, reask, retry_errors, progress)
        workers = [asyncio.ensure_future(scheduler.work(_STAGGER * row)) for row in range(judge.concurrency)]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            if hasattr(judge, "aclose"):
                await judge.aclose()
    return [scheduler.verdicts[index] for index in range(len(scheduler.verdicts))]


class _Scheduler(Generic[T]):
    """What the workers of one call share."""

    def __init__(
        self,
        tasks: Iterator[tuple[int, int, Question[T]]],
        judge: Judge,
        journal: Journal | None,
        reask: bool,
        retry_errors: bool,
        progress: Callable[[Verdict[T]], None] | None,
    ) -> None:
        self.tasks, self.judge, self.journal = tasks, judge, journal
        self.reask, self.retry_errors, self.progress = reask, retry_errors, progress
        self.verdicts: dict[int, Verdict[T]] = {}
        self.failed: deque[tuple[int, int, Question[T]]] = deque()  # in an earlier call, and to be asked again
        self.unanswered = 0

    async def work(self, delay: float) -> None:
        await asyncio.sleep(delay)
        for task in self.tasks:
            await self._answer(*task, again=False)
        # Last, so that questions which fail in every call cannot make it give up before the new ones are asked.
        while self.failed:
            await self._answer(*self.failed.popleft(), again=True)

    async def _answer(self, index: int, repeat: int, question: Question[T], *, again: bool) -> None:
        try:
            request = dataclasses.replace(question.build(), repeat=repeat)
        except (OSError, ValueError) as problem:
            verdict = _failed(question.key, repeat, f"request: {problem}")
        else:
            address = address_of(question.key, request, self.judge.name, repeat)
            recorded = self._recorded(question, address)
            if recorded is not None and self._has_failed(recorded) and not again:
                self.failed.append((index, repeat, question))
                await asyncio.sleep(0)
                return
            verdict = await self._verdict(question, request, address, recorded, again)
        self.verdicts[index] = verdict
        if self.progress is not None:
            self.progress(verdict)

    async def _verdict(
        self, question: Question[T], request: JudgeRequest, address: Address, recorded: Verdict[T] | None, again: bool
    ) -> Verdict[T]:
        if recorded is not None:
            await asyncio.sleep(0)  # many recorded answers in a row must not block the event loop
        found = None if again else recorded
        while found is None or self._can_be_reasked(found):
            if self.unanswered >= GIVE_UP_AFTER:
                error = f"not_asked: the judge had failed {GIVE_UP_AFTER} times in a row"
                return found or recorded or _failed(question.key, address.repeat, error)
            found = await self._ask(question, request, address, found)
        return found

    def _recorded(self, question: Question[T], address: Address) -> Verdict[T] | None:
        answer = None if self.journal is None else self.journal.find(address)
        if answer is None:
            return None
        if answer.error is not None or answer.reply is None:
            return Verdict(address.key, address.repeat, None, answer.reply, answer.error, answer.asked)
        try:
            value = question.parse(answer.reply)
        except ReplyError as problem:  # the reader has become stricter since
            return Verdict(address.key, address.repeat, None, answer.reply, _message(problem), answer.asked)
        return Verdict(address.key, address.repeat, value, answer.reply, None, answer.asked)

    def _has_failed(self, recorded: Verdict[T]) -> bool:
        """Whether it is asked anew: there was no reply, or one that cannot be used and `retry_errors`."""
        return recorded.error is not None and (recorded.reply is None or self.retry_errors)

    def _can_be_reasked(self, found: Verdict[T]) -> bool:
        return self.reask and found.error is not None and found.reply is not None and found.asked == 1

    async def _ask(
        self, question: Question[T], request: JudgeRequest, address: Address, before: Verdict[T] | None
    ) -> Verdict[T]:
        if before is not None:
            request = dataclasses.replace(request, parts=(*request.parts, REASK.format(error=before.error)))
        asked = 1 if before is None else before.asked + 1
        value: T | None = None
        reply = error = None
        is_unanswered = False
        try:
            reply = await self.judge.ask(request)
            value = question.parse(reply)
        except ReplyError as problem:
            reply, error = reply if reply is not None else problem.reply or "", _message(problem)
        except JudgeError as problem:
            error, is_unanswered = _message(problem), problem.kind != "image"
        except Exception:  # an error of the program: a reply that was paid for is recorded
            if reply is not None:
                self._record(address, Answer(asked, reply, None))
            raise
        self.unanswered = self.unanswered + 1 if is_unanswered else 0
        self._record(address, Answer(asked, reply, error))
        return Verdict(address.key, address.repeat, value, reply, error, asked)

    def _record(self, address: Address, answer: Answer) -> None:
        if self.journal is not None:
            self.journal.add(address, answer)


def _tasks(questions: Iterable[Question[T]], repeats: int) -> Iterator[tuple[int, int, Question[T]]]:
    """Position in the result, repeat and question."""
    seen: set[tuple[str | int, ...]] = set()
    index = 0
    for question in questions:
        if question.key in seen:
            raise ValueError(f"Expected argument `questions` to have different keys, got {question.key} twice.")
        seen.add(question.key)
        for repeat in range(repeats):
            yield index, repeat, question
            index += 1


def _message(problem: ReplyError | JudgeError) -> str:
    text = f"{problem.kind}: {problem}"
    return text if len(text) <= _ERROR_LENGTH else f"{text[:_ERROR_LENGTH]} ..."


def _failed(key: tuple[str | int, ...], repeat: int, error: str) -> Verdict[Any]:
    return Verdict(key, repeat, None, None, error, 0)
