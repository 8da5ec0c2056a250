# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What the site makes of the list of public names: the navigation, the index and the API of the metrics.

A metric is added without a word here or in mkdocs.yml. Its class says where it belongs, in which range and direction it
answers, and its page what it asks.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import typing
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import imug_metrics
import imug_metrics.functional
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.options import MetricOptions
from imug_metrics.metrics.vocabulary import ARGUMENTS

DOCS = Path(__file__).resolve().parents[1]
GROUPS = ("answers", "images", "decay", "self_evaluation", "scaling", "interleaved", "trust")


class MetricPage(NamedTuple):
    """A metric and its page.

    Attributes:
        metric: the class.
        group: the question it belongs to, the package of its class.
        path: its page, relative to the documentation.
    """

    metric: type[imug_metrics.DialogueMetric]
    group: str
    path: str

    @property
    def text(self) -> str:
        """What the page says itself."""
        return (DOCS / self.path).read_text(encoding="utf-8")

    @property
    def question(self) -> str:
        """The first sentence of the page that asks."""
        prose = self.text.split("\n", 1)[1]
        return re.search(r"[^.?!]+\?", prose)[0].strip().replace("\n", " ")  # type: ignore[index]

    def link(self, up: str) -> str:
        """The class with the way to its page from one that lies `up`, as in `../`."""
        return f"[{self.metric.__name__}]({up}{self.path})"

    @property
    def description(self) -> MetricDescription:
        """How the class says that it is read."""
        if self.metric.description is None:
            raise ValueError(f"Expected {self.metric.__name__} to have a `description`.")
        return self.metric.description

    @property
    def functions(self) -> list[str]:
        """The public functions of the metric: those of its functional counterpart's file and of its own."""
        homes = (self.metric.__module__, self.metric.__module__.replace(".metrics.", ".functional."))
        public = {name: getattr(imug_metrics, name) for name in imug_metrics.__all__}
        found = [name for name, item in public.items() if inspect.isfunction(item) and item.__module__ in homes]
        return sorted(found, key=lambda name: (f"metrics/{name}.md" != self.path, name))

    @property
    def types(self) -> list[str]:
        """Full names of the types, defined beside the functions, that these take and return."""
        functions = [getattr(imug_metrics, name) for name in self.functions]
        hints = [hint for function in functions for hint in _parts(typing.get_type_hints(function).values())]
        types = dict.fromkeys(hint for hint in hints if isinstance(hint, type))
        homes = {function.__module__ for function in functions}
        return [f"{found.__module__}.{found.__qualname__}" for found in types if found.__module__ in homes]


def metric_pages() -> list[MetricPage]:
    """The page of every public metric class, by group."""
    public = [getattr(imug_metrics, name) for name in imug_metrics.__all__]
    found = []
    for metric in (item for item in public if isinstance(item, type) and issubclass(item, imug_metrics.DialogueMetric)):
        _, _, *group, module = metric.__module__.split(".")
        if group:  # the base class has none
            found.append(MetricPage(metric, group[0], f"metrics/{module}.md"))
    return sorted(found, key=lambda page: (GROUPS.index(page.group), page.path))


def group_question(group: str) -> str:
    """What the metrics of a group ask, which their package says."""
    question = inspect.getdoc(importlib.import_module(f"imug_metrics.metrics.{group}"))
    return (question or "").split("\n")[0].rstrip(".")


def navigation(nav: Any) -> Any:
    """The navigation with the pages of the metrics, by group, behind the page that lists them."""
    if isinstance(nav, dict):
        return {title: navigation(part) for title, part in nav.items()}
    if not isinstance(nav, list):
        return nav
    nav = [navigation(part) for part in nav]
    if "metrics/index.md" in nav:
        nav += [{group_question(group): [page.path for page in pages]} for group, pages in _by_group()]
    return nav


def built(path: str, text: str) -> str:
    """The Markdown of a page with all that is made for it.

    Args:
        path: the page, relative to the documentation.
        text: what its file says. A line `<!-- metrics -->`, `<!-- questions -->` or `<!-- functions -->` becomes that
            table; a line `::: package.*` becomes one such line a module, `::: package.__all__` one a public name.
    """
    up = "../" * path.count("/")
    for marker, table in MADE.items():
        if marker in text:
            text = text.replace(marker, table(up))
    text = re.sub(r"^::: ([\w.]+)\.\*$", lambda line: "\n\n".join(_modules(line[1])), text, flags=re.M)
    text = re.sub(r"^::: ([\w.]+)\.__all__$", lambda line: "\n\n".join(_names(line[1])), text, flags=re.M)
    return text + "".join(f"\n{api(page)}" for page in metric_pages() if page.path == path)


def api(page: MetricPage) -> str:
    """The last section of a metric's page: class and functions in full, and what shared arguments and options mean."""
    name, meanings = page.metric.__name__, _meanings(MetricOptions)
    _, *arguments = inspect.signature(page.metric.update).parameters
    options = [option for option in inspect.signature(page.metric).parameters if option in meanings]
    parts = [
        "## API",
        _entry(f"imug_metrics.{name}"),
        f"### What `{name}.update` takes",
        "Records are flat or padded, see [batches](../guides/batches.md).",
        _table(("argument", "meaning"), ((f"`{argument}`", ARGUMENTS[argument]) for argument in arguments)),
        "### Options of every metric",
        _table(("option", "meaning"), ((f"`{option}`", meanings[option]) for option in options)),
        *(_entry(f"imug_metrics.{function}") for function in page.functions),
        *(_entry(result) for result in page.types),
    ]
    return "\n\n".join(parts) + "\n"


def on_config(config: Any) -> Any:
    """Called by mkdocs once it has read its configuration."""
    config.nav = navigation(config.nav)
    return config


def on_page_markdown(markdown: str, page: Any, **kwargs: Any) -> str:
    """Called by mkdocs with the text of every page."""
    return built(page.file.src_uri, markdown)


def _by_group() -> Iterator[tuple[str, list[MetricPage]]]:
    pages = metric_pages()
    for group in GROUPS:
        yield group, [page for page in pages if page.group == group]


def _table_of_metrics(up: str) -> str:
    parts = []
    for group, pages in _by_group():
        rows = ((page.question, page.link(up), page.description.range, page.description.direction) for page in pages)
        parts += [f"## {group_question(group)}", _table(("question", "class", "range", "direction"), rows)]
    return "\n\n".join(parts)


def _table_of_questions(up: str) -> str:
    rows = ((group_question(group), ", ".join(page.link(up) for page in pages)) for group, pages in _by_group())
    return _table(("question", "metrics"), rows)


def _table_of_functions(up: str) -> str:
    functions = [(page.path, name, getattr(imug_metrics, name)) for page in metric_pages() for name in page.functions]
    rows = ((f"[`{name}`]({up}{path}#imug_metrics.{name})", _summary(found)) for path, name, found in functions)
    return _table(("function", "gives"), rows)


MADE = {
    "<!-- metrics -->": _table_of_metrics,
    "<!-- questions -->": _table_of_questions,
    "<!-- functions -->": _table_of_functions,
}


def _modules(package: str) -> Iterator[str]:
    """An entry for every public module of a package but those of the metrics' functions, which their pages show."""
    shown = {page.metric.__module__.replace(".metrics.", ".functional.") for page in metric_pages()}
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
        if not module.ispkg and not re.search(r"\._", module.name) and module.name not in shown:
            yield f"::: {module.name}"


def _names(package: str) -> list[str]:
    return [f"::: {package}.{name}" for name in importlib.import_module(package).__all__]


def _entry(name: str) -> str:
    return f"::: {name}\n    options: {{ heading_level: 3 }}"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [head, ["---" for _ in head], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _summary(documented: Any) -> str:
    return " ".join((inspect.getdoc(documented) or "").split("\n\n")[0].split())


def _meanings(options: type) -> dict[str, str]:
    """What the section `Attributes` of a docstring says of each."""
    section = (inspect.getdoc(options) or "").partition("Attributes:\n")[2]
    return {name: " ".join(text.split()) for name, text in re.findall(r"^    (\w+): (.*(?:\n     .*)*)", section, re.M)}


def _parts(hints: Iterable[Any]) -> Iterator[Any]:
    """Annotations and what they are made of, without their brackets."""
    for hint in hints:
        yield hint
        yield from _parts(typing.get_args(hint))
