# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Mutants that compute the same: equivalent.txt names them, under the reason."""

from __future__ import annotations

from pathlib import Path

FILE = Path(__file__).with_name("equivalent.txt")


def equivalents() -> set[str]:
    return {line for line in FILE.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")}
