# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The images of the guide to figures: what the code of the page saves.

`python docs/figures_example.py` runs the page's code and draws guides/figures/*.svg anew.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import matplotlib as mpl

GUIDE = Path(__file__).resolve().parent / "guides" / "figures.md"
IMAGES = GUIDE.with_suffix("")


def draw(folder: Path) -> None:
    """Run the page's code in a folder, but for its last block, which writes other files."""
    mpl.use("Agg")
    blocks = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.M | re.S)
    before = Path.cwd()
    os.chdir(folder)
    try:
        exec("\n".join(blocks[:-1]), {"__name__": "figures"})  # noqa: S102 - code of our own page
    finally:
        os.chdir(before)


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    draw(IMAGES)
