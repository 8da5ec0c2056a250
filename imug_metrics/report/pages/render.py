# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""From templates to pages that need no network; everything that a model or a data set wrote is escaped."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import jinja2
from markupsafe import Markup

from imug_metrics.report.files import to_json
from imug_metrics.report.tables.names import Labels

_CONTROLS = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 127], "\ufffd")
"""Control characters that HTML does not allow, NUL above all."""


def render(name: str, **values: Any) -> str:
    """A page of this package with values put into it, each escaped."""
    return environment().get_template(name).render(unique=Labels(), **values).translate(_CONTROLS)


@cache
def environment() -> jinja2.Environment:
    """Where templates are found, and what all of them know: style sheet, script, and the hash that lets it run."""
    loader = jinja2.FunctionLoader(_source)
    made = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    script = _source("script.js")
    made.filters["downloads"] = downloads
    made.filters["sort_key"] = sort_key
    made.globals["style"] = Markup(_source("figure.css") + _source("style.css") + _source("dialogues.css"))
    made.globals["script"] = Markup(script)
    made.globals["script_hash"] = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    return made


def flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """The entries of nested mappings as text, each under its dotted key.

    Example:
        >>> list(flat({"encoder": {"name": "scene"}, "models": ["a", "b"]}))
        [('encoder.name', 'scene'), ('models', 'a, b')]
    """
    for key, entry in value.items():
        if isinstance(entry, Mapping):
            yield from flat(entry, f"{prefix}{key}.")
        else:
            plain = to_json(entry)
            yield f"{prefix}{key}", ", ".join(map(str, plain)) if isinstance(plain, list) else str(plain)


def sort_key(value: float) -> str:
    """A number as readers' browsers sort by it: whole numbers exactly, others to nine digits, which keeps pages small.

    Example:
        >>> sort_key(0.8666666666666667), sort_key(1234567890123)
        ('0.866666667', '1234567890123')
    """
    return str(value) if isinstance(value, int) else f"{value:.9g}"


class Download(NamedTuple):
    """A file that the page carries within a link: its kind for reading, its name, and its content as an address."""

    kind: str
    file: str
    uri: str


MOST_ROWS = 1000
"""Rows of a table that the page carries as files as well; longer ones would fill it, and are files beside it."""


def downloads(part: Any) -> list[Download]:
    """The files that a table or a figure can be taken out as; none of a table of more than `MOST_ROWS` rows.

    Example:
        >>> from imug_metrics.report.tables.table import Cell, Table
        >>> [link.file for link in downloads(Table(("Model",), [[(Cell("a"),)]], name="scores"))]
        ['scores.csv', 'scores.md', 'scores.tex']
    """
    if part.kind == "figure":
        return [_download("SVG", f"{part.name}.svg", "image/svg+xml", standalone(str(part.svg)))]
    if sum(map(len, part.groups)) > MOST_ROWS:
        return []
    return [
        _download("CSV", f"{part.name}.csv", "text/csv", part.to_csv()),
        _download("Markdown", f"{part.name}.md", "text/markdown", part.to_markdown()),
        _download("LaTeX", f"{part.name}.tex", "text/x-tex", part.to_latex()),
    ]


def _download(kind: str, file: str, media: str, text: str) -> Download:
    content = base64.b64encode(text.encode("utf-8", "backslashreplace")).decode("ascii")
    return Download(kind, file, f"data:{media};charset=utf-8;base64,{content}")


def standalone(svg: str) -> str:
    """A drawing of the page as a file of its own, in light colours, with the style that it needs."""
    head, _, rest = svg.partition(">")
    return f'{head} xmlns="http://www.w3.org/2000/svg"><style>{_source("figure.css")}</style>{rest}'


def _source(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
