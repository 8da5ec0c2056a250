# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Every page, at a desk, on a phone and in the dark: nothing that axe finds, nothing cut off, nothing loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.pages import PAGES

VIEWS = {"desk": 1280, "phone": 390}

FINDINGS = """async (colours) => {
  const wanted = (id) => id.startsWith("color-contrast") === colours;
  const rules = Object.fromEntries(axe.getRules().map(({ ruleId }) => [ruleId, { enabled: wanted(ruleId) }]));
  const { violations } = await axe.run(document, { rules, resultTypes: ["violations"] });
  return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.length} x ${nodes[0].html.slice(0, 200)}`);
}"""
"""Every rule there is, those for best practice and for level AAA as well."""

OVERFLOWING = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"

SCROLLERS = """() => [...document.querySelectorAll("body *")].filter((part) => {
  const { overflowX } = getComputedStyle(part);
  return (overflowX === "auto" || overflowX === "scroll") && part.scrollWidth > part.clientWidth + 1;
}).map((part) => ({ reachable: part.tabIndex === 0, label: part.getAttribute("aria-label") || "" }))"""


@pytest.fixture(scope="module", params=[(name, view) for name in PAGES for view in VIEWS], ids="-".join)
def opened(request: pytest.FixtureRequest, browser: Any, written: Callable[[str], Path]) -> Iterator[Any]:
    """A page with all its folded parts open, what its console said, and what it asked for."""
    name, view = request.param
    page = browser.new_page(viewport={"width": VIEWS[view], "height": 900})
    page.said, page.asked = [], []
    page.on("console", lambda message: page.said.append(message.text))
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.on("request", lambda request: page.asked.append(request.url))
    path = written(name)
    page.goto(path.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach((part, i) => { if (i < 12) part.open = true; })")
    yield page
    page.close()


@pytest.fixture(scope="module")
def axe() -> str:
    """The source of axe-core."""
    found = pytest.importorskip("axe_playwright_python.base", reason="axe-playwright-python carries axe-core")
    return found.AXE_SCRIPT


def test_axe_finds_nothing(opened: Any, axe: str) -> None:
    opened.evaluate(axe)
    assert opened.evaluate(FINDINGS, False) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_colours_too_close(browser: Any, written: Callable[[str], Path], axe: str, scheme: str) -> None:
    page = browser.new_page(color_scheme=scheme)
    page.goto(written("three_models").as_uri())
    page.evaluate(axe)
    assert page.evaluate(FINDINGS, True) == []
    page.close()


def test_axe_would_find_them(browser: Any, axe: str) -> None:
    """A check of the check: what is wrong here is found."""
    page = browser.new_page()
    page.set_content("<p style='color: #999'>grey<table><tr><th></th></tr></table>")
    page.evaluate(axe)
    assert [finding.partition(":")[0] for finding in page.evaluate(FINDINGS, True)] == ["color-contrast"]
    assert "empty-table-header" in str(page.evaluate(FINDINGS, False))
    page.close()


def test_the_page_does_not_scroll_sideways_nor_does_it_at_twice_or_four_times_the_size(opened: Any) -> None:
    """Zoomed in, 1280 pixels are 640 or 320."""
    size = opened.viewport_size
    for width in (size["width"], 640, 320):
        opened.set_viewport_size({**size, "width": width})
        assert not opened.evaluate(OVERFLOWING), width
    opened.set_viewport_size(size)


def test_what_scrolls_sideways_is_reached_by_keyboard_under_a_name_of_its_own(opened: Any) -> None:
    found = opened.evaluate(SCROLLERS)
    assert all(part["reachable"] and part["label"] for part in found)
    assert len({part["label"] for part in found}) == len(found)


def test_nothing_is_loaded_and_the_console_is_silent(opened: Any) -> None:
    assert [url for url in opened.asked[1:] if not url.startswith("data:")] == []
    assert opened.asked[0].startswith("file:")
    assert opened.said == []


def test_ids_are_unique_and_links_lead_somewhere(opened: Any) -> None:
    ids = opened.evaluate("[...document.querySelectorAll('[id]')].map((part) => part.id)")
    assert len(ids) == len(set(ids))
    targets = opened.evaluate("[...document.querySelectorAll('a[href^=\"#\"]')].map((link) => link.hash.slice(1))")
    assert set(targets) <= set(ids)
    assert "main" in targets, "the link over the contents"
