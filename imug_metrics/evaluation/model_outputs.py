# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Outputs of models on a benchmark: what a run leaves and an evaluation takes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ModelOutputs:
    """Outputs in the official layout.

    Attributes:
        benchmark: folder of the questions.
        outputs: folder that holds one folder a model.
        models: names of the models that are meant.
    """

    benchmark: Path
    outputs: Path
    models: tuple[str, ...]
