# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""From a model to outputs that can be scored: the thin runner and its strategies."""

from imug_metrics.inference.limits import SpendLimits
from imug_metrics.inference.model import ImageFile, Message, Model, ModelError, Reply
from imug_metrics.inference.models.specs import load_model
from imug_metrics.inference.run import Inference, infer
from imug_metrics.inference.tokens import TokenCounter, token_counter
from imug_metrics.inference.turn import Answer, Candidate, Strategy, Turn

__all__ = [
    "Answer",
    "Candidate",
    "ImageFile",
    "Inference",
    "Message",
    "Model",
    "ModelError",
    "Reply",
    "SpendLimits",
    "Strategy",
    "TokenCounter",
    "Turn",
    "infer",
    "load_model",
    "token_counter",
]
