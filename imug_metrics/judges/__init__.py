# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Models that judge outputs, behind one protocol, with a journal. Their libraries are imported when a judge is made."""

from imug_metrics.judges.journal import JournalLockedError
from imug_metrics.judges.openai import OpenAIJudge, chat_body
from imug_metrics.judges.protocol import ImagePart, Judge, JudgeError, JudgeRequest, ReplyError
from imug_metrics.judges.questions import Question, Verdict
from imug_metrics.judges.scheduler import judge_all, judge_all_async
from imug_metrics.judges.transformers import TransformersJudge

__all__ = [
    "ImagePart",
    "JournalLockedError",
    "Judge",
    "JudgeError",
    "JudgeRequest",
    "OpenAIJudge",
    "Question",
    "ReplyError",
    "TransformersJudge",
    "Verdict",
    "chat_body",
    "judge_all",
    "judge_all_async",
]
