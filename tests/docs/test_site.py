# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What the site makes of the list of public names: navigation, index, and the API on each metric's page."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import imug_kernels
import pytest

import imug_metrics
import imug_metrics.functional
from imug_metrics.metrics.options import MetricOptions
from imug_metrics.metrics.vocabulary import ARGUMENTS

DOCS = Path(__file__).resolve().parents[2] / "docs"
METRICS = [
    name
    for name in imug_metrics.__all__
    if isinstance(getattr(imug_metrics, name), type) and hasattr(getattr(imug_metrics, name), "name")
]


def _files(entry: Any) -> Iterator[str]:
    if isinstance(entry, str):
        yield entry
    else:
        for part in entry.values() if isinstance(entry, dict) else entry:
            yield from _files(part)


def _page(name: str) -> str:
    return f"metrics/{getattr(imug_metrics, name).__module__.rpartition('.')[2]}.md"


def _rows(text: str) -> dict[str, str]:
    """Second cell of each row of tables whose first cell is a name in backticks."""
    return dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", text, re.M))


def test_there_are_metrics_to_look_for() -> None:
    assert {"AnswerAccuracy", "TurnDecay"} <= set(METRICS)


def test_navigation_is_every_page_once(nav: Any) -> None:
    pages = [page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")]
    assert sorted(_files(nav)) == sorted(pages)


def test_navigation_has_the_metrics_under_the_questions_they_ask(nav: Any) -> None:
    [metrics] = [entry["Metrics"] for entry in nav if "Metrics" in entry]
    groups = {title: pages for entry in metrics if isinstance(entry, dict) for title, pages in entry.items()}
    assert "metrics/turn_decay.md" in groups["What do turns, context and history cost?"]
    assert "metrics/answer_accuracy.md" in groups["Is it right?"]
    assert sorted(page for pages in groups.values() for page in pages) == sorted(_page(name) for name in METRICS)


def test_groups_are_the_packages_of_the_metrics(hook: ModuleType) -> None:
    packages = Path(inspect.getfile(imug_metrics.DialogueMetric)).parent.glob("*/__init__.py")
    assert sorted(hook.GROUPS) == sorted(package.parent.name for package in packages)


@pytest.mark.parametrize("name", METRICS)
def test_index_shows_what_a_metric_asks_and_how_to_read_it(name: str, site: dict[str, str]) -> None:
    row = rf"^\| (.*) \| \[{name}\]\(\.\./{_page(name)}\) \| (.+) \| (.+) \|$"
    [(question, span, direction)] = re.findall(row, site["metrics/index.md"], re.M)
    assert re.fullmatch(r"[A-Z][^.?!*]*\?", question)
    assert span
    assert re.search("higher|lower|0|by measure", direction)


@pytest.mark.parametrize("name", METRICS)
def test_page_of_a_metric_says_when_it_misleads(name: str) -> None:
    assert "## When it misleads" in (DOCS / _page(name)).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", METRICS)
def test_page_of_a_metric_says_what_each_argument_of_update_means(name: str, site: dict[str, str]) -> None:
    _, *arguments = inspect.signature(getattr(imug_metrics, name).update).parameters
    section = re.search(rf"^### What `{name}.update` takes\n(.*?)^###", site[_page(name)], re.M | re.S)
    assert section
    assert _rows(section[1]) == {argument: ARGUMENTS[argument] for argument in arguments}
    assert arguments


@pytest.mark.parametrize("name", METRICS)
def test_page_of_a_metric_says_what_each_option_means(name: str, site: dict[str, str]) -> None:
    metric = getattr(imug_metrics, name)
    meanings = _rows(site[_page(name)].partition("### Options of every metric")[2])
    torchmetrics_own = {"compute_on_cpu", "dist_sync_on_step", "process_group", "dist_sync_fn", "sync_on_compute",
                        "distributed_available_fn", "compute_with_cache"}  # fmt: skip
    assert set(meanings) == set(MetricOptions.__annotations__) - torchmetrics_own
    # What is left is the metric's own, and its class or the one that it inherits the argument from describes it.
    described = "".join(inspect.getdoc(base) or "" for base in metric.__mro__ if base.__module__.startswith("imug_"))
    own = set(inspect.signature(metric).parameters) - set(meanings) - {"kwargs"}
    assert [option for option in own if not re.search(rf"^ *([\w, ]+, )?{option}(, [\w, ]+)?: ", described, re.M)] == []


@pytest.mark.parametrize("name", METRICS)
def test_page_of_a_metric_has_the_class_and_its_functions_in_full(name: str, site: dict[str, str]) -> None:
    text, counterpart = site[_page(name)], _page(name)[len("metrics/") : -len(".md")]
    entries = re.findall(r"^::: (\S+)\n    options: \{ heading_level: 3 \}$", text, re.M)
    assert entries[:2] == [f"imug_metrics.{name}", f"imug_metrics.{counterpart}"]


def test_page_of_a_metric_has_the_types_that_its_functions_return(site: dict[str, str]) -> None:
    assert "::: imug_metrics.functional.scaling.best_of_n.Choice\n" in site["metrics/best_of_n.md"]


def test_functions_are_listed_with_what_they_give(site: dict[str, str]) -> None:
    text = site["reference/functional.md"]
    for name in imug_metrics.functional.__all__:
        assert re.search(
            rf"^\| \[`{name}`\]\(\.\./metrics/\w+\.md#imug_metrics\.{name}\) \| .{{10,}} \|$", text, re.M
        ), name


@pytest.mark.parametrize("package", [imug_metrics, imug_metrics.functional, imug_kernels], ids=lambda p: p.__name__)
def test_every_public_name_is_in_the_reference(package: Any, site: dict[str, str]) -> None:
    documented = set(re.findall(r"^::: (\S+)", "\n".join(site.values()), re.M))
    missing = []
    for name in package.__all__:
        # An entry of its own, or a module all of whose members are shown. The entry of a package does not count: it
        # shows no function that has the name of its module.
        module = getattr(getattr(package, name), "__module__", package.__name__)
        homes = [module, package.__name__.partition(".")[0], module.rpartition(".")[0]]
        if not name.startswith("__") and not {module, *(f"{home}.{name}" for home in homes)} & documented:
            missing.append(name)
    assert missing == []


def test_modules_and_names_of_a_package_are_entries_of_their_own(site: dict[str, str]) -> None:
    assert "::: imug_metrics.stats.cluster_robust\n" in site["reference/stats.md"]
    assert "::: imug_metrics.functional.answers.choice_score\n" in site["reference/functional.md"]
    assert (
        "::: imug_metrics.functional.decay.turn_decay\n" not in site["reference/functional.md"]
    )  # on its metric's page
    assert "::: imug_kernels.dialogue_gram\n" in site["reference/kernels.md"]
    assert not [path for path, text in site.items() if re.search(r"^::: .*(\*|__all__)$|^<!-- \w+ -->$", text, re.M)]


def test_names_in_inline_code_become_links_to_where_they_are_described(links: ModuleType) -> None:
    pages = {
        "metrics/turn_decay/": '<h3 id="imug_metrics.turn_decay">..</h3><a id="imug_metrics.decay.turn_decay"></a>',
        "reference/": '<h2 id="imug_metrics.a.Kind">..</h2><h3 id="imug_metrics.a.Kind.own_rank">..</h3>'
        '<h2 id="imug_metrics.b.kind">..</h2><h2 id="imug_metrics.b.twice_there">..</h2>'
        '<h2 id="imug_metrics.c.twice_there">..</h2>',
    }  # fmt: skip
    found = links.described_names(pages)
    assert found["turn_decay"] == "metrics/turn_decay/#imug_metrics.turn_decay"
    assert found["Kind"] == "reference/#imug_metrics.a.Kind"
    assert found["imug_metrics.b.kind"] == "reference/#imug_metrics.b.kind"
    assert not {"kind", "own_rank", "twice_there"} & set(found)  # an argument's name, a member, two objects

    linked = links.link_names(
        "<p><code>Kind</code> <code>Kind()</code> <code>other</code></p><h2><code>Kind</code></h2>"
        '<pre><code>Kind</code></pre><a href="x"><code>Kind</code></a>',
        {"Kind": "../#Kind"},
    )
    assert linked == (
        '<p><a href="../#Kind"><code>Kind</code></a> <a href="../#Kind"><code>Kind()</code></a> <code>other</code></p>'
        '<h2><code>Kind</code></h2><pre><code>Kind</code></pre><a href="x"><code>Kind</code></a>'
    )


def test_numbers_of_papers_become_links_to_them(links: ModuleType) -> None:
    there = '<a href="https://arxiv.org/abs/2603.05075">arXiv\n2603.05075</a>'
    assert links.link_papers("<p>UniM (arXiv\n2603.05075).</p>") == f"<p>UniM ({there}).</p>"
    assert links.link_papers(there) == there
    assert links.link_papers("<pre>arXiv 2603.05075</pre>") == "<pre>arXiv 2603.05075</pre>"
