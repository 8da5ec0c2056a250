# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What readers do with tables: sort and filter them by keyboard, take them out, and read them without a script."""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imug_metrics.report import write_report
from imug_metrics.report.pages.render import render
from imug_metrics.report.sections import Section
from imug_metrics.report.tables.table import Cell, Table
from tests.browser.chromium import wait_until
from tests.report.large import large_scores

SORTED = [("b", 0.5, "x"), ("item 10", 0.25, "y"), ("a", math.nan, "x"), ("item 9", 2.0, "x"), ("c", 0.5, "")]


def _row(name: str, value: float, kind: str) -> tuple[Cell, ...]:
    return Cell(name), Cell("–" if math.isnan(value) else f"{value:.2f}", value=value), Cell(kind)


def page_of(*tables: Table) -> str:
    return render("page.html", title="t", lead="", sections=[Section("s", "S", parts=tables)], version="1", files="-")


def table(groups: list[list[tuple[str, float, str]]], **options: Any) -> Table:
    rows = [[_row(*row) for row in rows] for rows in groups]
    return Table(("Name", "Value", "Kind"), rows, "Scores", **options)


@pytest.fixture
def show(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Opens the HTML of a page; what its console says is an error."""
    opened = []

    def show(html: str, **options: Any) -> Any:
        path = tmp_path / "page.html"
        path.write_text(html, encoding="utf-8")
        page = browser.new_page(**options)
        page.set_default_timeout(20_000)
        page.said = []
        page.on("console", lambda message: page.said.append(message.text))
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.goto(path.as_uri())
        opened.append(page)
        return page

    yield show
    for page in opened:
        assert page.said == []
        page.close()


def names(page: Any) -> list[str]:
    """The first cells of the rows that are shown."""
    return page.locator("tbody tr:visible > :first-child").all_inner_texts()


def press(page: Any, heading: str) -> None:
    page.get_by_role("button", name=heading).focus()
    page.keyboard.press("Enter")


def test_numbers_are_sorted_up_down_and_back_with_absent_ones_last(show: Callable[..., Any]) -> None:
    page = show(page_of(table([SORTED], sortable=True)))
    heading = page.locator("th", has_text="Value")
    press(page, "Value")
    assert heading.get_attribute("aria-sort") == "ascending"
    assert names(page) == ["item 10", "b", "c", "item 9", "a"], "equal ones stay in order"
    press(page, "Value")
    assert heading.get_attribute("aria-sort") == "descending"
    assert names(page) == ["item 9", "b", "c", "item 10", "a"]
    press(page, "Value")
    assert heading.get_attribute("aria-sort") is None
    assert names(page) == [row[0] for row in SORTED]


def test_texts_are_sorted_as_people_count_and_one_column_at_a_time(show: Callable[..., Any]) -> None:
    page = show(page_of(table([SORTED], sortable=True)))
    press(page, "Value")
    press(page, "Name")
    assert page.locator("th[aria-sort]").count() == 1
    assert names(page) == ["a", "b", "c", "item 9", "item 10"]
    press(page, "Kind")
    assert names(page)[-1] == "c", "an empty text is absent"


def test_groups_of_rows_stay_together(show: Callable[..., Any]) -> None:
    page = show(page_of(table([SORTED[:3], SORTED[3:]], sortable=True)))
    press(page, "Name")
    assert names(page) == ["a", "b", "item 10", "c", "item 9"]


def test_tables_that_are_not_to_be_sorted_have_no_buttons(show: Callable[..., Any]) -> None:
    assert show(page_of(table([SORTED]))).locator("button, input, select").count() == 0


def test_rows_are_filtered_by_text_and_by_choice_and_counted(show: Callable[..., Any]) -> None:
    rows = [(f"row {i}", float(i % 3), "ab"[i % 2]) for i in range(40)]
    page = show(page_of(table([rows], filterable=True, sortable=True)))
    status = page.get_by_role("status")
    assert status.inner_text() == "40 rows"
    assert page.locator("select").count() == 2, "of the column of names there are too many texts"
    page.get_by_label("Kind").focus()
    page.keyboard.press("b")
    wait_until(page, "document.querySelector('[role=status]').textContent === '20 of 40 rows'")
    page.get_by_label("Search").focus()
    page.keyboard.type("ROW 1")
    wait_until(page, "document.querySelector('[role=status]').textContent === '6 of 40 rows'")
    assert names(page) == [f"row {i}" for i in (1, 11, 13, 15, 17, 19)]
    press(page, "Value")
    assert names(page) == ["row 15", "row 1", "row 13", "row 19", "row 11", "row 17"]
    page.get_by_label("Search").fill("nowhere")
    wait_until(page, "document.querySelector('[role=status]').textContent === '0 of 40 rows'")


def test_names_that_stand_once_a_group_come_again_where_rows_are_moved_or_left_out(show: Callable[..., Any]) -> None:
    rows = [[Cell("m", model=0), Cell("1", value=1)], [Cell("", value="m", model=0), Cell("0", value=0)]]
    page = show(page_of(Table(("Model", "Value"), [rows], "T", sortable=True)))
    assert page.locator("tbody th").nth(1).inner_text() == "m", "heard, though not seen"
    assert page.locator(".again").bounding_box()["width"] <= 1
    press(page, "Value")
    assert page.locator(".again").bounding_box()["width"] > 10


def test_a_link_leads_to_what_is_folded_or_filtered_away(show: Callable[..., Any]) -> None:
    html = page_of(table([SORTED], filterable=True))
    html = html.replace(
        '<th scope="row">item 9', '<th scope="row"><details id="there"><summary>9</summary>in</details>'
    )
    page = show(html.replace("</h2>", '</h2><a href="#there">go</a>'))
    page.get_by_label("Search").fill("item 10")
    wait_until(page, "document.querySelector('[role=status]').textContent === '1 of 5 rows'")
    page.get_by_role("link", name="go").press("Enter")
    wait_until(page, "document.querySelector('#there').open")
    assert page.locator("#there").is_visible()
    assert len(names(page)) == 5


def test_three_thousand_rows_are_filtered_and_sorted(show: Callable[..., Any]) -> None:
    rows = [(f"row {i}", float(i * 7919 % 3000), "ab"[i % 2]) for i in range(3000)]
    page = show(page_of(table([rows], filterable=True, sortable=True)))
    page.get_by_label("Search").fill("row 299")
    wait_until(page, "document.querySelector('[role=status]').textContent === '11 of 3,000 rows'")
    press(page, "Value")
    assert names(page) == [row[0] for row in sorted(rows, key=lambda row: row[1]) if "row 299" in row[0]]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    out = tmp_path_factory.mktemp("report")
    return write_report(large_scores(2, 4, 3), out, manifest={"note": "\x07\x00"}).read_text(encoding="utf-8")


def test_the_page_is_whole_without_a_script(show: Callable[..., Any], report: str, browser: Any) -> None:
    bare = browser.new_context(java_script_enabled=False).new_page()
    bare.set_content(report)
    page = show(report)
    for tag in ("table", "tr", "svg", "section", "img", "details"):
        assert bare.locator(tag).count() == page.locator(tag).count(), tag
    assert bare.locator("button, input, select").count() == 0, "nothing that would do nothing"
    assert bare.locator("main").inner_text().split()[:40] == page.locator("main").inner_text().split()[:40]
    bare.context.close()


def test_the_script_that_the_policy_lets_run_is_the_one_that_the_browser_sees(
    show: Callable[..., Any], report: str
) -> None:
    page = show(report)
    [source] = page.locator("script").all_text_contents()
    digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
    policy = page.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content")
    assert f"script-src 'sha256-{digest}'" in policy
    assert page.locator("th button").count() > 0, "it ran"


def test_no_other_script_runs(browser: Any, report: str, tmp_path: Path) -> None:
    handler = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    for name, html in {
        "guarded": report.replace("</main>", f"{handler}</main>"),
        "open": re.sub("<meta http-equiv=.*>", "", report).replace("</main>", f"{handler}</main>"),
    }.items():
        path = tmp_path / f"{name}.html"
        path.write_text(html, encoding="utf-8")
        page = browser.new_page()
        page.goto(path.as_uri())
        page.wait_for_timeout(100)
        assert page.title() == ("owned" if name == "open" else "Dialogue report")
        page.close()


def test_what_is_taken_out_is_the_table(show: Callable[..., Any]) -> None:
    shown = Table(("Name", "Värde"), [[(Cell("<b>é\u2028"), Cell("0.50", value=0.5, lower=0.25))]], "T", name="t")
    page = show(page_of(shown))
    for kind, text in {"CSV": shown.to_csv(), "Markdown": shown.to_markdown(), "LaTeX": shown.to_latex()}.items():
        with page.expect_download() as download:
            page.get_by_role("link", name=f"{kind} of T, table").press("Enter")
        assert download.value.suggested_filename.startswith("t.")
        assert Path(download.value.path()).read_bytes() == text.encode()


def test_a_figure_that_is_taken_out_has_its_style_with_it(show: Callable[..., Any], report: str) -> None:
    page = show(report)
    with page.expect_download() as download:
        page.locator("a[download$='.svg']").first.press("Enter")
    drawing = show(Path(download.value.path()).read_text(encoding="utf-8"))
    assert drawing.locator("svg > :not(style)").count() > 5
    assert drawing.locator(".grid").first.evaluate("line => getComputedStyle(line).stroke") == "rgb(229, 226, 220)"
