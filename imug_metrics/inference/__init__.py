# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""From a model to outputs that can be scored: the thin runner and its strategies."""

from imug_metrics.inference.limits import SpendLimits
from imug_metrics.inference.model import ImageFile, Message, Model, ModelError, Reply
from imug_metrics.inference.run import Inference, infer

__all__ = ["ImageFile", "Inference", "Message", "Model", "ModelError", "Reply", "SpendLimits", "infer"]
