# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""`pytest -m gpu` where little but PyTorch is installed: what needs more is skipped, with the package it needs.

Otherwise a missing package is an error: a test that silently does not run would prove nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Generator

import pytest

OURS = {"imug_metrics", "imug_kernels", "benchmarks", "tests"}  # absent only if a name is misspelt


class SkipMissingPackages:
    """Plugin that turns a file or folder which cannot be imported for want of a package into a skipped one."""

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        report = yield
        package = _missing(report.call.excinfo.value) if report.failed else None
        if package:
            _forget_half_imported()
            report.outcome, report.longrepr = "skipped", (str(collector.path), 1, f"{package} is not installed")
        return report


def _missing(error: BaseException | None) -> str | None:
    """Top-level package whose absence led to the error."""
    while error is not None:
        if isinstance(error, ModuleNotFoundError):
            package = (error.name or "").partition(".")[0]
            return None if package in OURS else package
        error = error.__cause__
    return None


def _forget_half_imported() -> None:
    """Let the next file meet the same missing package, and not what the first attempt has left of ours."""
    for name in [name for name in sys.modules if name.partition(".")[0] in OURS - set(sys.modules)]:
        del sys.modules[name]
