# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Importing this package registers every case, in the order in which they run."""

from benchmarks.cases import (
    cross,
    end_to_end,
    gram,
    images,
    judges,
    paired,
    protocol,
    ragged,
    rbf,
    scaling,
    streaming,
    structure,
    sweeps,
)

__all__ = [
    "cross",
    "end_to_end",
    "gram",
    "images",
    "judges",
    "paired",
    "protocol",
    "ragged",
    "rbf",
    "scaling",
    "streaming",
    "structure",
    "sweeps",
]
