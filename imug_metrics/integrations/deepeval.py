# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""DeepEval: a score of each test case, and the scores of all of them with intervals by dialogue.

A test case is a turn (`LLMTestCase`, whose metadata hold `dialogue` and `turn`) or a whole dialogue
(`ConversationalTestCase`, whose metadata hold `dialogue` and the keys of its turns as a list `target`).
"""

from __future__ import annotations

from collections.abc import Iterable
from statistics import fmean
from typing import Any

from deepeval.errors import MissingTestCaseParamsError
from deepeval.metrics import BaseConversationalMetric, BaseMetric
from deepeval.metrics.utils import check_llm_test_case_params
from deepeval.test_case import ConversationalTestCase, LLMTestCase, SingleTurnParams
from deepeval.test_case.api import create_api_test_case

from imug_metrics.dialogues.record import Record
from imug_metrics.formats import deepeval as formats
from imug_metrics.formats.common.image_sources import ImageSources
from imug_metrics.formats.protocol import ReadOptions
from imug_metrics.functional.answers.answer_accuracy import Kind
from imug_metrics.integrations.record_scores import answer_scores, score_records
from imug_metrics.integrations.samples import checked_records
from imug_metrics.suite import Given
from imug_metrics.suite.answers import answered


class TurnAnswerMetric(BaseMetric):
    """Is the answer of one turn right: `answer_accuracy` of `actual_output` against `expected_output`, from 0 to 1.

    Args:
        threshold: the least score of a case that passes; None: no verdict.
        kind: what the answers are, as `answer_accuracy` has it.
        flaky: whether failing cases are told and do not fail the run.

    Raises:
        MissingTestCaseParamsError: by `measure`, if the case has no answer, or one that reports a failure, or no key.
    """

    _required_params = [SingleTurnParams.INPUT, SingleTurnParams.ACTUAL_OUTPUT, SingleTurnParams.EXPECTED_OUTPUT]  # noqa: RUF012

    def __init__(self, threshold: float | None = 0.5, *, kind: Kind = "choice", flaky: bool = False) -> None:
        self.threshold, self.kind, self.flaky = threshold, kind, flaky

    @property
    def __name__(self) -> str:
        return formats.TURN_ANSWER

    def measure(self, test_case: LLMTestCase, *args: Any, **options: Any) -> float:
        """The score of a turn, which is also in `score`."""
        check_llm_test_case_params(test_case, self._required_params, None, None, self, None, test_case.multimodal)
        [record] = case_records(test_case)
        if not answered(record):
            self.error = f"There is no answer in {str(record.text)[:80]!r}."
            raise MissingTestCaseParamsError(self.error)
        [self.score] = answer_scores([record], self.kind)
        self.reason = f"The answer scores {self.score:g} by the key {record.target!r}."
        self.is_successful()
        return self.score

    async def a_measure(self, test_case: LLMTestCase, *args: Any, **options: Any) -> float:
        """As `measure`."""
        return self.measure(test_case)


class DialogueAnswersMetric(BaseConversationalMetric):
    """How many answers of a dialogue are right: the mean of `answer_accuracy` over its turns that have a key.

    `score_breakdown` holds the score of each such turn, by `turn_1` and so on.

    Args:
        threshold: the least score of a dialogue that passes; None: no verdict.
        kind: what the answers are, as `answer_accuracy` has it.
        flaky: whether failing cases are told and do not fail the run.

    Raises:
        ArgumentError: by `measure`, if the case does not say its dialogue.
        MissingTestCaseParamsError: by `measure`, if no turn has a key, or one that has a key has no answer.
    """

    def __init__(self, threshold: float | None = 0.5, *, kind: Kind = "choice", flaky: bool = False) -> None:
        self.threshold, self.kind, self.flaky = threshold, kind, flaky

    @property
    def __name__(self) -> str:
        return "Dialogue Answers"

    def measure(self, test_case: ConversationalTestCase, *args: Any, **options: Any) -> float:
        """The score of a dialogue, which is also in `score`."""
        keyed = [record for record in case_records(test_case) if record.target is not None]
        self._check(keyed)
        scores = answer_scores(keyed, self.kind)
        self.score = fmean(scores)
        self.score_breakdown = {f"turn_{record.turn}": score for record, score in zip(keyed, scores)}
        self.reason = ", ".join(f"{turn}: {score:g}" for turn, score in self.score_breakdown.items())
        self.is_successful()
        return self.score

    async def a_measure(self, test_case: ConversationalTestCase, *args: Any, **options: Any) -> float:
        """As `measure`."""
        return self.measure(test_case)

    def _check(self, keyed: list[Record]) -> None:
        absent = [str(record.turn) for record in keyed if not answered(record)]
        if not keyed:
            self.error = "No turn has a key: `metadata` holds them as a list `target`, one for each turn."
        elif absent:
            self.error = f"Without an answer: turn {', '.join(absent)}."
        else:
            return
        raise MissingTestCaseParamsError(self.error)


def score_test_cases(
    test_cases: Iterable[LLMTestCase | ConversationalTestCase], metrics: Given | None = None, *, encoder: Any = None
) -> dict[str, float]:
    """All scores of the test cases of a run, by name, with intervals by dialogue.

    Args:
        test_cases: turns or whole dialogues. What is odd in a dialogue is a warning; an absent answer lowers the
            coverage.
        metrics: as `ImugSuite` takes them; None: `AnswerAccuracy(detail=True)`.
        encoder: as `ImugSuite` takes it; images of the model need one.

    Raises:
        ArgumentError: if a case does not say its dialogue, or a turn which turn it is.
        InputError: if a turn is there twice.
    """
    found = [record for number, case in enumerate(test_cases) for record in case_records(case, f"test case {number}")]
    return score_records(found, metrics, encoder=encoder)


def case_records(case: LLMTestCase | ConversationalTestCase, where: str = "the test case") -> list[Record]:
    """The records of a test case: one of a turn, of a dialogue one for each turn.

    Args:
        case: the test case.
        where: what messages call it.

    Raises:
        ArgumentError: if its metadata do not say its dialogue, or of a turn which turn it is.
    """
    whole = isinstance(case, ConversationalTestCase)
    row = create_api_test_case(case, index=0).model_dump(by_alias=True)
    return checked_records(
        lambda place: formats.case_records(row, place, ReadOptions(), ImageSources(None), whole=whole), where
    )
