# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The loops of the guide run as they are printed, and train."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "training-loop.md"


def run(heading: str) -> dict[str, Any]:
    """Names after the shared block and the block under a heading."""
    torch.manual_seed(0)
    text = GUIDE.read_text(encoding="utf-8")
    names: dict[str, Any] = {"__name__": "guide"}
    for title in ("## One encoder pass for all of them", heading):
        section = text.split(f"\n{title}\n")[1]
        (code,) = re.findall(r"^```python\n(.*?)^```", re.split(r"^##", section, flags=re.M)[0], re.M | re.S)
        exec(compile(code, f"{GUIDE.name}: {title}", "exec"), names)
    return names


def test_a_plain_loop_raises_its_reward():
    names = run("### A plain loop, with a reward")
    alignment = [scores["val/turn_alignment"] for scores in names["history"]]
    assert alignment == sorted(alignment)
    assert alignment[-1] > alignment[0] + 0.02
    assert names["history"][0]["val/turn_alignment_dialogues"] == 8
    assert all(parameter.grad is None for parameter in names["encoder"].model.parameters())


@pytest.mark.filterwarnings("ignore")
def test_lightning_logs_the_suite_and_its_flat_scores():
    pytest.importorskip("lightning", reason="lightning is not installed")
    logged = {name: float(value) for name, value in run("### Lightning")["logged"].items()}
    assert {"val/turn_alignment", "val/turn_consistency", "curve/turn_alignment_turn_2_lower"} <= set(logged)
    assert logged["val/turn_alignment"] == pytest.approx(logged["curve/turn_alignment"])
    assert logged["curve/turn_alignment_dialogues"] == 8, "the suite is new in every epoch"


@pytest.mark.filterwarnings("ignore")
def test_accelerate_feeds_the_suite():
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    names = run("### Accelerate")
    assert names["scores"]["val/turn_alignment_dialogues"] == 8
    assert names["painter"].canvas.abs().sum() > 0
