# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What strategies say to the model, and to a judge: ours, and the same for every model."""

from __future__ import annotations

from collections.abc import Mapping

from imug_metrics.inference.model import Want

THINK: Mapping[Want, str] = {
    "text": "Before you answer, think it through step by step, in words. Do not give the answer yet.",
    "image": "Before you draw, think through step by step, in words, what the image has to show and what has to stay "
    "as it was. Do not draw yet.",
}
"""Asks for the thoughts before an answer."""

ANSWER: Mapping[Want, str] = {
    "text": "Now give the answer, in the form that was asked for.",
    "image": "Now draw the image.",
}
"""Asks for the answer after the thoughts."""

VERIFY = (
    "Check your last reply against everything that was asked. The first word of your verdict has to be ACCEPT if the "
    "reply is right and complete, else REJECT. Then say why in a few sentences."
)
"""Asks for the verdict on an output; `read_verdict` reads the reply."""

REPAIR: Mapping[Want, str] = {
    "text": "Give the answer again, corrected, in the form that was asked for. Do not mention the check.",
    "image": "Draw the image again, corrected.",
}
"""Asks for another output after a criticism."""

GRADE = (
    "Grade your last reply: how well does it do what was asked? "
    "Reply with one whole number from 0 (not at all) to 10 (in every respect) and nothing else."
)
"""Asks for the model's own grade of an output; `read_grade` reads the reply."""

JUDGE_BEFORE = "A model was asked this:"
JUDGE_BETWEEN = "It replied:"
JUDGE_AFTER = (
    "Grade the reply: how well does it do what was asked? "
    "Answer with one whole number from 1 (not at all) to 5 (in every respect) and nothing else."
)
"""What a judge reads before the prompt, between prompt and output, and after the output."""
