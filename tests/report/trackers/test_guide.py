# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The examples of the guide to trackers run, away from the network."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "guides" / "trackers.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.M | re.S)
FILES = {  # what is there of an example's scores in the end
    "wandb": "wandb/offline-run-*/*.wandb",
    "torch": "runs/dialogues/events.*",
    "mlflow": "mlruns/*/*/metrics/steady/*",
    "trackio": "trackio/*.db",
}


def test_the_examples_log(run_script: Callable[[str, str], Any], tmp_path: Path) -> None:
    evaluation, *examples = BLOCKS
    packages = [re.split("[ .\n]", block, maxsplit=2)[1] for block in examples]
    assert packages == [*FILES]
    there = [package for package in packages if find_spec(package)]
    run_script("wandb", "\n".join([evaluation, *(examples[packages.index(package)] for package in there)]))
    assert [package for package in there if not [*tmp_path.glob(FILES[package])]] == []
