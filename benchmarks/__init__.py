# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Throughput, memory and error against named baselines, all measured in one run: `python -m benchmarks`."""
