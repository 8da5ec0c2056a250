# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Importing this package registers every case, in the order in which they run."""

from benchmarks.cases import cross, gram, images, paired, protocol, ragged, rbf, streaming, sweeps

__all__ = ["cross", "gram", "images", "paired", "protocol", "ragged", "rbf", "streaming", "sweeps"]
