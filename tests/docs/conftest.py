# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What the site's hooks make of its pages, without building it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


def load_hook(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / "hooks" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def hook() -> ModuleType:
    """The hook that makes navigation, index and API of the metrics."""
    return load_hook("metric_pages")


@pytest.fixture(scope="session")
def links() -> ModuleType:
    """The hook that makes links of names in inline code."""
    return load_hook("links")


@pytest.fixture(scope="session")
def nav(hook: ModuleType) -> Any:
    """The navigation of the site."""
    return hook.navigation(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"])


@pytest.fixture(scope="session")
def site(hook: ModuleType) -> dict[str, str]:
    """Markdown of every page, with what is made for it."""
    docs = ROOT / "docs"
    pages = {page.relative_to(docs).as_posix(): page.read_text(encoding="utf-8") for page in docs.rglob("*.md")}
    return {path: hook.built(path, text) for path, text in pages.items()}
