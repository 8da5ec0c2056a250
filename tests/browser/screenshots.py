# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What the page looks like: the images of the documentation, taken anew from the demo.

`python -m tests.browser.screenshots --out docs/images`
"""

from __future__ import annotations

import argparse
import io
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from imug_metrics.cli import main as command
from tests.browser.chromium import launched, wait_until
from tests.browser.pages import scaling

DESK, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
TALLEST = 900
NEAR = 6  # steps of 256 by which a colour must differ from those before it
SECTIONS = {
    "findings": "findings",
    "leaderboard": "scores",
    "differences": "differences",
    "curves": "curves",
    "changes": "decay",
    "breakdown": "groups",
    "heat_map": "heat-maps",
}
"""Names of images, and the sections that they show."""


def take(report: Path, other: Path, out: Path) -> None:
    """All images, each as a file of few colours."""
    out.mkdir(parents=True, exist_ok=True)
    with launched() as browser:
        page = browser.new_page(viewport=DESK)
        page.goto(report.as_uri())
        page.add_style_tag(content="* { content-visibility: visible !important }")  # what is far down is drawn as well
        for name, section in SECTIONS.items():
            _save(page, page.locator(f"#{section}"), out / f"page_{name}.png")
        _save(page, page.locator("#dialogues .strip").first, out / "page_dialogues.png")
        page.locator("#samples input").fill("shape")
        page.locator("#samples select").first.select_option(index=1)
        wait_until(page, "document.querySelector('#samples .filtered') !== null")
        _save(page, page.locator("#samples"), out / "page_samples.png")
        for name, path, options in (
            ("dark", report, {"viewport": DESK, "color_scheme": "dark"}),
            ("phone", report, {"viewport": PHONE}),
            ("scaling", other, {"viewport": DESK}),
        ):
            view = browser.new_page(**options)
            view.goto(path.as_uri())
            if name == "phone":
                view.locator("#scores").scroll_into_view_if_needed()
                view.evaluate("document.querySelector('#scores').scrollIntoView({ behavior: 'instant' })")
            _write(view.screenshot(), out / f"page_{name}.png")


def _save(page: Any, part: Any, path: Path) -> None:
    """A part of the page with some room around it, its beginning where it is tall."""
    box = part.evaluate(
        "part => { const { x, y, width, height } = part.getBoundingClientRect(); "
        "return { x, y: y + scrollY, width, height }; }"
    )
    left = max(0, box["x"] - 24)
    width, height = min(box["width"] + 48, DESK["width"] - left), min(box["height"] + 32, TALLEST)
    clip = {"x": left, "y": box["y"] - 16, "width": width, "height": height}
    _write(page.screenshot(full_page=True, clip=clip), path)


def _write(png: bytes, path: Path) -> None:
    """As a PNG of at most 256 colours: the most frequent ones that differ, which are the page's own."""
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    found, place, count = np.unique(pixels.reshape(-1, 3), axis=0, return_inverse=True, return_counts=True)
    chosen: list[np.ndarray] = []
    for colour in found[np.argsort(-count, kind="stable")].astype(int):
        if not chosen or np.abs(np.array(chosen) - colour).max(1).min() > NEAR:
            chosen.append(colour)
        if len(chosen) == 256:
            break
    nearest = np.concatenate(
        [_nearest(part, np.array(chosen)) for part in np.array_split(found, len(found) // 4096 + 1)]
    )
    few = Image.fromarray(nearest[place.ravel()].reshape(pixels.shape[:2]).astype(np.uint8), "P")
    few.putpalette([int(part) for colour in chosen for part in colour])
    few.save(path, optimize=True)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


def _nearest(colours: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    return ((colours[:, None].astype(int) - chosen[None]) ** 2).sum(-1).argmin(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--report", type=Path, help="a report of the demo that is there already")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = options.report
        if report is None:
            command(["demo", "--out", f"{folder}/demo"])
            report = Path(folder, "demo", "report.html")
        take(report, scaling(Path(folder, "scaling")), options.out)


if __name__ == "__main__":
    main()
