# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What pyproject.toml cannot say: the packages, and the README as it is shown where the files beside it are not.

`benchmarks/` is installed as `imug_benchmarks`, which no search would find.
"""

import re
from pathlib import Path

from setuptools import find_packages, setup


def readme() -> str:
    """The README, in which a link to a file of the source tree is the file's name: elsewhere it would lead nowhere."""
    text = Path(__file__).with_name("README.md").read_text(encoding="utf-8")
    return re.sub(r"\[([^\]]+)\]\((?!https?:|#)([^)#]+)[^)]*\)", r"\1 (`\2`)", text)


setup(
    packages=[
        *find_packages(include=["imug_metrics*"]),
        *find_packages("kernels"),
        "imug_benchmarks",
        "imug_benchmarks.cases",  # without the offline gate, the results and the encoder's training
    ],
    long_description=readme(),
    long_description_content_type="text/markdown",
)
