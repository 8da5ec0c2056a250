# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Chains of evidence: what they are, as files, and what the metrics of traces take of them."""

from imug_metrics.traces.trace import Claim, Review, Step, Trace

__all__ = ["Claim", "Review", "Step", "Trace"]
