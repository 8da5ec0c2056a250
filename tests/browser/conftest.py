# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""One browser for all tests: the one of this machine, never one that is downloaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.chromium import find_chromium, launched
from tests.browser.pages import PAGES


@pytest.fixture(scope="module")  # while it is open no test could run an event loop of its own
def browser() -> Iterator[Any]:
    pytest.importorskip("playwright", reason="playwright is not installed: pip install -e '.[browser]'")
    if find_chromium() is None:
        pytest.skip("no Chromium on this machine")
    with launched() as found:
        yield found


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The path of a page by its name; each is written once."""
    root = tmp_path_factory.mktemp("pages")

    def write(name: str) -> Path:
        found = root / name / "report.html"
        pages = list((root / name).glob("*.html"))
        return pages[0] if pages else PAGES[name](found.parent)

    return write
