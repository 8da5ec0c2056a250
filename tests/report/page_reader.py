# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The report's page as a browser would read it: well formed, with its words, attributes, sections and tables."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from imug_metrics.report import write_report

VOID = {"meta", "img", "br", "link", "input", "hr", "image", "rect", "line", "circle", "polygon", "polyline", "path"}


class Page(HTMLParser):
    """Checks that tags balance and collects what a browser would load or run."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.raw = text
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] not in (["script"], ["style"]):
            self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join("".join(self.text).split())

    def section(self, name: str) -> str:
        """The source of one section; empty where the page has none of the name."""
        return self.raw.partition(f'<section id="{name}"')[2].partition("</section>")[0]

    def rows(self, section: str, caption: str) -> list[list[str]]:
        """The rows of a table of a section, each cell as the words that readers see; the headings first."""
        tables = re.findall(r"<table.*?</table>", self.section(section), re.S)
        [table] = [table for table in tables if f"<caption><span>{caption}</span>" in table]
        rows = re.findall(r"<tr[^>]*>(.*?)</tr>", table, re.S)
        return [[seen(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)] for row in rows]


def seen(source: str) -> str:
    """The words of some source, without drawings and without what is repeated for screen readers alone."""
    without = re.sub(r'<svg.*?</svg>|<span class="[^"]*again[^"]*">[^<]*</span>', "", source, flags=re.S)
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", without)).split())


def written(models: list[Any], out: Path, **options: Any) -> Page:
    """The page that is written of some models."""
    return Page(write_report(models, out, **{"manifest": {}, **options}).read_text(encoding="utf-8"))
