# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Types of the arguments that metrics and functions share; `imug_metrics.metrics.vocabulary` says what each means."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

Ids = Tensor | Sequence[int] | Sequence[str] | Sequence[Sequence[int]] | Sequence[Sequence[str]]
"""Ids of dialogues or subjects: integers or strings, not mixed."""

Turns = Tensor | Sequence[int] | Sequence[Sequence[int]]
"""Integers from 1."""

Valid = Tensor | Sequence[bool] | Sequence[Sequence[bool]]
"""Booleans, False where an output is absent."""

Numbers = Tensor | Sequence[float] | Sequence[Sequence[float]]
"""Real numbers; NaN where there is none."""

Candidates = Tensor | Sequence[Sequence[float]] | Sequence[Sequence[Sequence[float]]]
"""Several real numbers a record: of candidates, strategies or repetitions; NaN where there is none."""

Labels = Tensor | Sequence[Any]
"""Numbers, or in lists integers, booleans or strings; NaN or None where there is none."""

Images = Tensor | Sequence[Any]
"""Embeddings, a batch of images, or in lists PIL images, arrays or paths for an encoder; None for absent ones."""

Pixels = Tensor | Sequence[Any]
"""Small images as rows of numbers in [0, 1]; NaN, or None in a list, where there is none."""

Masks = Tensor | Sequence[Any]
"""Masks of images, or in lists what `imug_metrics.media.masks` reads; NaN, or None in a list, for absent ones."""

Links = Tensor | Sequence[Sequence[int]]
"""Pairs of rows."""

Strings = Sequence[str | None] | Sequence[Sequence[str | None]]
"""In a list or one list a dialogue; None for absent ones."""

Texts = Tensor | Strings
"""Embeddings, or strings for an encoder; None for absent ones."""
