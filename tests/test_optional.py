# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Packages that only a part of the library needs: imported in one way, with one message where they are missing."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

import imug_metrics
from imug_metrics._optional import require

PACKAGE = Path(imug_metrics.__file__).parent
PROJECT = PACKAGE.parent / "pyproject.toml"


def test_a_submodule_is_returned_itself() -> None:
    assert require("os.path", purpose="A test").join("a", "b")


@pytest.mark.parametrize("module", ["timm", "no_such_package", "no_such_package.part"])
def test_what_is_missing_is_named_with_its_extra(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module.partition(".")[0], None)
    message = r"^TimmEncoder needs (\S+), which is not installed: pip install 'imug_metrics\[timm\]'$"
    with pytest.raises(ModuleNotFoundError, match=message) as info:
        require(module, extra="timm", purpose="TimmEncoder")
    assert module.startswith(info.value.name or "-")
    assert isinstance(info.value.__cause__, ModuleNotFoundError)


def test_a_package_that_the_package_needs_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "half_installed.py").write_text("import not_there_at_all\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="needs not_there_at_all, which is not installed"):
        require("half_installed", extra="timm", purpose="TimmEncoder")


def test_without_an_extra_the_package_is_named() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"pip install no_such_package$"):
        require("no_such_package.part", purpose="A data frame")


def test_an_error_inside_an_installed_package_is_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_package.py").write_text("raise ImportError('built for another version')\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError, match="built for another version") as info:
        require("broken_package", extra="timm", purpose="TimmEncoder")
    assert not isinstance(info.value, ModuleNotFoundError)


def calls() -> list[tuple[str, ast.Call]]:
    """Every call of `require` in the package, with the module it names."""
    found = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "require":
                found.append((ast.literal_eval(node.args[0]), node))
    return found


def test_every_extra_named_exists() -> None:
    text = PROJECT.read_text(encoding="utf-8")
    extras = set(re.findall(r"^(\w+) = \[", text.partition("[project.optional-dependencies]")[2], re.MULTILINE))
    named = {
        ast.literal_eval(keyword.value) for _, call in calls() for keyword in call.keywords if keyword.arg == "extra"
    }
    assert len(named) >= 8
    assert named <= extras


def test_optional_packages_are_imported_by_it_alone() -> None:
    """No module imports one by a statement, which would give no hint; annotations for type checkers may."""
    optional = {module.partition(".")[0] for module, _ in calls()}
    assert {"timm", "open_clip", "transformers", "matplotlib", "aiohttp", "cv2", "av", "pandas"} <= optional
    direct = []
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        typing_only = {
            id(inner)
            for node in ast.walk(tree)
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
            for inner in ast.walk(node)
        }
        for node in ast.walk(tree):
            if id(node) in typing_only or not isinstance(node, (ast.Import, ast.ImportFrom)):
                continue
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            direct += [(path.name, name) for name in modules if name.partition(".")[0] in optional]
    assert direct == []
