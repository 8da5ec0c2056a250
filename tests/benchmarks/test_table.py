# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The published numbers are those of the committed results."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from benchmarks.table import main, section

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "benchmarks.md"
RESULTS = ROOT / "benchmarks" / "results"


def test_page_holds_what_the_command_prints_for_the_committed_results(capsys: pytest.CaptureFixture[str]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    names = re.findall(r"<!-- results/(.*) -->", page)
    assert names
    for name in names:
        main([str(RESULTS / name)])
        assert capsys.readouterr().out in page, f"Renew it: python -m benchmarks.table benchmarks/results/{name} --into"


def test_renewing_a_page_replaces_the_tables_of_that_file_only(tmp_path: Path) -> None:
    file = next(RESULTS.glob("*.json"))
    page = tmp_path / "page.md"
    other = "<!-- results/other.json -->\nother\n<!-- end of results -->"
    old = f"<!-- results/{file.name} -->\nold\n<!-- end of results -->"
    page.write_text(f"before\n\n{other}\n\n{old}\n\nafter\n", encoding="utf-8")
    main([str(file), "--into", str(page)])
    assert page.read_text(encoding="utf-8") == f"before\n\n{other}\n\n{section(file)}\n\nafter\n"


def test_table_shows_the_ratio_of_every_provider(tmp_path: Path) -> None:
    document = json.loads(next(RESULTS.glob("*.json")).read_text(encoding="utf-8"))
    rows = [row for row in document["rows"] if row["quantity"] == "throughput" and not row["baseline"]]
    rows = [row for row in rows if row["axis"] is None]
    for row in rows:
        row["ratio"] = 7.25
    file = tmp_path / "changed.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    assert len(re.findall(r"\| \**7\.2\** \|", section(file))) == len(rows)
