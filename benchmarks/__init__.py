# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Throughput, memory, correctness and counts against named baselines, measured in one run.

In a checkout `python -m benchmarks`; where the package is installed `imug-metrics bench` or
`python -m imug_benchmarks`.
"""
