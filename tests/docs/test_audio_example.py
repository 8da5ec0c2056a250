# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The guide to other modalities shows what its example gives, and the example finds what was planted."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

pytest.importorskip("silero_vad", reason="silero-vad is not installed")

DOCS = Path(__file__).resolve().parents[2] / "docs"
GUIDE = DOCS / "guides" / "any_modality.md"
KEYS = ("turn_consistency_slope", "turn_alignment_slope", "turn_decay")


@pytest.fixture(scope="module")
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audio_example", DOCS / "audio_example.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def found(example: ModuleType) -> dict[str, dict[str, float]]:
    return {name: example.scores(musician) for name, musician in example.MODELS.items()}


@pytest.mark.parametrize("key", KEYS)
def test_every_drift_is_found_and_none_where_nothing_drifts(found: dict[str, dict[str, float]], key: str) -> None:
    assert found["drifting"][f"{key}_upper"] < 0
    assert found["holding"][f"{key}_lower"] < 0 < found["holding"][f"{key}_upper"]


@pytest.mark.parametrize("lag", [0.0, 0.05, 0.2])
def test_the_lag_is_that_of_the_response(example: ModuleType, lag: float) -> None:
    pitches, harmonics = np.array([220.0, 247.0, 330.0, 277.0]), 0.5 ** np.arange(5)
    call, response = example.phrase(pitches, harmonics), example.phrase(pitches * 1.25, harmonics, lag)
    assert example.lag_of(call, response) == pytest.approx(lag, abs=0.011)


def test_the_table_of_the_guide_is_what_the_example_gives(found: dict[str, dict[str, float]]) -> None:
    rows = re.findall(
        r"^\| \w[\w ]* \| (-?[\d.]+) \((-?[\d.]+) to (-?[\d.]+)\) \| (-?[\d.]+) \((-?[\d.]+) to (-?[\d.]+)\) \|$",
        GUIDE.read_text(encoding="utf-8"),
        re.M,
    )
    assert len(rows) == len(KEYS)
    for key, row in zip(KEYS, rows, strict=True):
        shown = [found[name][f"{key}{end}"] for name in ("holding", "drifting") for end in ("", "_lower", "_upper")]
        assert [float(cell) for cell in row] == pytest.approx(shown, abs=0.0011)
