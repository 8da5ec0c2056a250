# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The files of the guide to models are models."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from imug_metrics.inference.model import Message, ModelError, as_reply
from imug_metrics.inference.models.specs import KINDS, load_model
from tests.docs.test_blocks import ROOT, TITLE, blocks

GUIDE = ROOT / "docs/guides/models.md"
ASKED = [Message("user", ("a red leaf",))]


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for block in blocks(GUIDE):
        if title := TITLE.search(block.rest):
            Path(title[1]).write_text(block.text, encoding="utf-8")


def test_the_function_is_a_model() -> None:
    model: Any = load_model("python:mine.py:draw")
    assert as_reply(model(ASKED, want="text", seed=0)).usage == {"tokens": 3.0}
    assert as_reply(model(ASKED, want="image", seed=0)).wanted("image")


def test_the_program_is_a_model() -> None:
    async def both() -> Any:
        model: Any = load_model(f"command:{sys.executable} prog.py")
        reply = await model(ASKED, want="text", seed=0)
        with pytest.raises(ModelError, match="it cannot draw"):
            await model(ASKED, want="image", seed=0)
        await model.aclose()
        return reply

    assert asyncio.run(both()).text == "A RED LEAF"


def test_the_tables_hold_every_kind() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    for prefix, kind in KINDS.items():
        assert f"\n| `{prefix}:{kind.form}` |" in text
        assert f"\n| `{prefix}:` |" in text
