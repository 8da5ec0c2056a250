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

from PIL import Image

from imug_metrics.cli import main as command
from tests.browser.chromium import launched
from tests.browser.pages import scaling

DESK, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
TALLEST = 900
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
        for name, section in SECTIONS.items():
            _save(page, page.locator(f"#{section}"), out / f"page_{name}.png")
        _save(page, page.locator("#dialogues .strip").first, out / "page_dialogues.png")
        page.locator("#samples input").fill("shape")
        page.locator("#samples select").first.select_option(index=1)
        page.wait_for_function("document.querySelector('#samples .filtered')")
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
    image = Image.open(io.BytesIO(png)).convert("RGB")
    few = image.quantize(palette=_palette(image), dither=Image.Dither.NONE)
    few.save(path, optimize=True)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


def _palette(image: Image.Image) -> Image.Image:
    """256 colours: the most frequent ones as they are, which are the page's, and others for the images in it."""
    counted = sorted(image.getcolors(image.width * image.height), reverse=True)[:128]
    others = image.quantize(128).getpalette()[: 3 * 128]
    found = Image.new("P", (1, 1))
    found.putpalette([*(part for _, colour in counted for part in colour), *others])
    return found


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
