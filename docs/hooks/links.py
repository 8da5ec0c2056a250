# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Links from names in inline code to where the site describes them, and from papers' numbers to the papers."""

from __future__ import annotations

import re
from typing import Any

SKIPPED = r"<(a|b|pre|h\d)\b.*?</\1>"  # links, arguments' names, blocks of code, headings
CODE = re.compile(rf"{SKIPPED}|<code>((?:\w+\.)*\w+)(?:\(\))?</code>", re.S)
PAPER = re.compile(rf"{SKIPPED}|<code>.*?</code>|\barXiv[:\s]\s*(\d{{4}}\.\d{{5}})\b", re.S)
HEADING = re.compile(r'<h\d id="(imug_[\w.]+)"')
ANCHOR = re.compile(r'<(?:h\d|a) id="(imug_[\w.]+)"')


def on_env(env: Any, config: Any, files: Any) -> None:
    """Called by mkdocs once every page is HTML."""
    from mkdocs.utils import get_relative_url

    pages = [file.page for file in files.documentation_pages()]
    addresses = described_names({page.url: page.content for page in pages})
    for page in pages:
        near = {name: get_relative_url(address, page.url) for name, address in addresses.items()}
        page.content = link_papers(link_names(page.content, near))


def described_names(pages: dict[str, str]) -> dict[str, str]:
    """Where functions and classes are described, by their full name and by their own.

    Their own name must be in `imug_metrics`, or be that of one object alone and not look like an argument's.

    Args:
        pages: HTML of every page by its address.

    Returns:
        Address and anchor by name.
    """
    full = {anchor: f"{url}#{anchor}" for url, html in pages.items() for anchor in ANCHOR.findall(html)}
    headings: dict[str, list[str]] = {}
    for heading in (heading for html in pages.values() for heading in HEADING.findall(html)):
        headings.setdefault(heading.rpartition(".")[2], []).append(heading)
    own = {}
    for name, (heading, *others) in headings.items():
        owner = heading.split(".")[-2:-1]
        is_member = owner != [] and owner[0][:1].isupper()
        if f"imug_metrics.{name}" in full:
            own[name] = full[f"imug_metrics.{name}"]
        elif not others and not is_member and ("_" in name or name[:1].isupper()):
            own[name] = full[heading]
    return own | full


def link_names(html: str, addresses: dict[str, str]) -> str:
    """Make links of the names in inline code that have an address.

    Example:
        >>> link_names("<p><code>turn_decay()</code>, <code>other</code></p>", {"turn_decay": "../turn_decay/"})
        '<p><a href="../turn_decay/"><code>turn_decay()</code></a>, <code>other</code></p>'
    """

    def link(match: re.Match[str]) -> str:
        address = addresses.get(match[2])
        return f'<a href="{address}">{match[0]}</a>' if address else match[0]

    return CODE.sub(link, html)


def link_papers(html: str) -> str:
    """Make links of the arXiv numbers in a text.

    Example:
        >>> link_papers("<p>UniM (arXiv 2603.05075)</p>")
        '<p>UniM (<a href="https://arxiv.org/abs/2603.05075">arXiv 2603.05075</a>)</p>'
    """

    def link(match: re.Match[str]) -> str:
        return f'<a href="https://arxiv.org/abs/{match[2]}">{match[0]}</a>' if match[2] else match[0]

    return PAPER.sub(link, html)
