# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Chains of evidence: a report of reasoning that cites what it rests on, is checked, and is made again from a fault."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from imug_metrics.errors import ArgumentError
from imug_metrics.inference.costs import Costs
from imug_metrics.inference.model import ModelError
from imug_metrics.inference.strategies.asking import LONGEST_LOG, instructed, metered, replied
from imug_metrics.inference.strategies.composed import Composed, name_around
from imug_metrics.inference.strategies.direct import Direct
from imug_metrics.inference.strategies.evidence import Evidence, gather_evidence
from imug_metrics.inference.strategies.evidence_rules import broken_rules, steps_before
from imug_metrics.inference.strategies.evidence_wording import CHECK, again_request, locate_request, report_request
from imug_metrics.inference.strategies.verdicts import read_step_names, read_verdict
from imug_metrics.inference.strategies.wording import ANSWER
from imug_metrics.inference.turn import Answer, Strategy, Turn
from imug_metrics.reading.reasoning import without_reasoning
from imug_metrics.traces import STEPS, Review, Step, Trace, missing_steps
from imug_metrics.traces.report import read_report, report_text
from imug_metrics.traces.trace_rows import trace_row

ROLES = ("captioner", "reasoner", "checker", "judger")
"""Who describes images, writes reports, checks them, and names faulty steps."""
LONGEST_OUTPUT = 2**14
"""Characters of an output that are kept in a trace."""
MAX_ROUNDS = 100
"""Verdicts on the reports of a turn."""


class EvidenceChain(Composed):
    """The model reports its reasoning in four steps that cite their evidence; a faulty report is made again in part.

    After the agent of UniM (arXiv 2603.05075): (1) each image is described for the task, (2) a report is written in
    the steps `STEPS`, (3) it is checked, by rules and, where it keeps to them, by a verdict, (4) where it is rejected
    the faulty step is named, (5) and the report is made again from that step on, knowing the criticism, (6) the answer
    is given with the last report before the model's eyes. Rules name faulty steps by themselves; where a verdict
    rejects and no step is named, the report is made again from the first. As with `SelfVerificationLoop`, `rounds` is
    the number of verdicts at most: the report of the last round is not checked but by the rules.

    Roles are the model's own unless another model has them: `captioner`, `reasoner`, `checker`, `judger`; the answer is
    always the model's. What fails in a role is no failed turn: an image without a description is no evidence, a
    verdict that is none leaves the report, a report that fails leaves the one before it, and where there is none the
    answer is asked without; the log says why.

    With one round, reports that are right with probability p, verdicts that accept a share T of the right and F of the
    wrong ones, a share l of wrong reports made again from their fault or before it, of which a share r becomes right,
    and a share k of right reports that stay so when they are made again,

        accuracy = p (T + (1 - T) k) + (1 - p) (1 - F) l r,    requests = 3 + images + 2 P(reject)

    Args:
        rounds: verdicts at most, up to 100.
        inner: how the answer is made once there is a report.

    Raises:
        ArgumentError: if there is no round, there are too many, or a chain of evidence within this one.
    """

    def __init__(self, rounds: int = 1, inner: Strategy | None = None) -> None:
        if not 1 <= rounds <= MAX_ROUNDS:
            raise ArgumentError("rounds", f"expected a number of rounds from 1 to {MAX_ROUNDS}, got {rounds}")
        self.rounds, self.inner = rounds, inner or Direct()
        if "reasoner" in getattr(self.inner, "roles", ()):
            raise ArgumentError("inner", f"expected one chain of evidence, {self.inner.name} holds another")
        super().__init__(name_around(self.inner, f"evidence:{rounds}"), self.inner, roles=ROLES)

    async def answer(self, turn: Turn) -> Answer:
        """Describe, report, check, report again, answer.

        The log has `evidence`, texts by name, and `traces`, one for each report, see `logged_traces`: their costs are
        those of the report with its review, of the first one also those of the descriptions; the answer is in none.
        The output is with the report that it was given with: the last one that has every step, else the last one that
        has any. Beside them, where something has failed, `description_errors` by image, `report_error`,
        `checker_error`, `judger_error`; and `answer`, the log of the inner strategy.
        """
        costs = Costs()
        evidence = await gather_evidence(metered(turn, costs))
        chain = _Chain(turn, evidence, instructed(turn, report_request(evidence.texts, turn.want)))
        for attempt in range(self.rounds + 1):
            if not await chain.advance(costs, is_last=attempt == self.rounds):
                break
            costs = Costs()
        place = chain.best()
        asked = turn if place is None else chain.answering(place)
        answer = await self.inner.answer(asked.within("answer"))
        if place is not None and isinstance(answer.output, str):
            chain.traces[place] = replace(chain.traces[place], output=answer.output[:LONGEST_OUTPUT])
        inner = {"answer": dict(answer.log)} if answer.log else {}
        return replace(answer, log={**chain.log(), **inner})


@dataclass
class _Chain:
    """What has come of a turn so far."""

    turn: Turn
    evidence: Evidence
    asked: Turn  # for the first report
    traces: list[Trace] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)

    async def advance(self, costs: Costs, *, is_last: bool) -> bool:
        """Write a report and review it; whether another one has to follow."""
        place = len(self.traces)
        try:
            trace = await self._written(costs, place)
        except ModelError as error:
            self.errors["report_error"] = error.reason
            return False
        review = broken_rules(trace)
        if review is None and not is_last:
            review = await self._reviewed(trace, metered(self._after(trace, CHECK), costs), place)
        self.traces.append(replace(trace, review=review, costs=costs.total()))
        return review is not None and review.accepts is False and not is_last

    async def _written(self, costs: Costs, place: int) -> Trace:
        """The first report, or the one after the last."""
        asked, restart = self.asked, None
        kept: tuple[Step, ...] = ()
        if self.traces:
            last = self.traces[-1]
            assert last.review is not None
            restart = next((name for name in last.review.faulty if name in STEPS), STEPS[0])
            kept = steps_before(last.steps, restart)
            again = again_request(restart, last.review.reason)
            asked = self._after(last, again) if last.steps else instructed(asked, again)
        reply = await metered(asked, costs).asking("reasoner").within("report", place).reply("text")
        names = {step.name for step in kept}
        steps = [step for step in read_report(reply.text or "", self.evidence.texts) if step.name not in names]
        turn = self.turn
        return Trace(
            turn.dialogue, turn.number, place + 1, self.evidence.texts, (*kept, *steps), restarted_from=restart
        )

    async def _reviewed(self, trace: Trace, asked: Turn, place: int) -> Review:
        """The verdict, and where it rejects the faulty steps."""
        try:
            text = (await asked.asking("checker").within("check", place).reply("text")).text or ""
        except ModelError as error:
            self.errors["checker_error"] = error.reason
            return Review(None)
        accepts, reason = read_verdict(text), without_reasoning(text).strip()[:LONGEST_LOG]
        if accepts is not False:
            return Review(accepts, reason=reason)
        names = [step.name for step in trace.steps]
        judging = replied(asked, reason, locate_request(names)).asking("judger").within("fault", place)
        try:
            named = (await judging.reply("text")).text or ""
        except ModelError as error:
            self.errors["judger_error"] = error.reason
            named = ""
        return Review(False, read_step_names(named, names), reason)

    def _after(self, trace: Trace, instruction: str) -> Turn:
        return replied(self.asked, report_text(trace.steps), instruction)

    def best(self) -> int | None:
        """Place of the report that the answer is given with; None: there is none."""
        whole = [place for place, trace in enumerate(self.traces) if not missing_steps(trace)]
        some = [place for place, trace in enumerate(self.traces) if trace.steps]
        return max(whole or some, default=None)

    def answering(self, place: int) -> Turn:
        """The turn after a report."""
        return self._after(self.traces[place], ANSWER[self.turn.want])

    def log(self) -> dict[str, Any]:
        """What is worth keeping."""
        failed = {"description_errors": self.evidence.errors} if self.evidence.errors else {}
        rows = [trace_row(trace) for trace in self.traces]
        for row in rows:
            del row["evidence"]  # the same in all of them
        return {"evidence": self.evidence.texts, "traces": rows, **failed, **self.errors}
