# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The packages: `benchmarks/` is installed as `imug_benchmarks`, which no search would find. See pyproject.toml."""

from setuptools import find_packages, setup

setup(
    packages=[
        *find_packages(include=["imug_metrics*"]),
        *find_packages("kernels"),
        "imug_benchmarks",
        "imug_benchmarks.cases",  # without the offline gate, the results and the encoder's training
    ]
)
