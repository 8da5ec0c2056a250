# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A wheel that was packed anew holds what it held, in fewer bytes."""

from __future__ import annotations

import inspect
import json
import zipfile
from pathlib import Path

from tests.packaging.smaller import pack


def test_members_stay_and_bytes_get_fewer(tmp_path: Path) -> None:
    wheel = tmp_path / "x-1-py3-none-any.whl"
    contents = {"x/a.py": inspect.getsource(json), "x/empty.py": "", "x/weights": "\x00\x01" * 500}
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in contents.items():
            member = zipfile.ZipInfo(name, (2026, 1, 2, 3, 4, 6))
            member.external_attr = 0o644 << 16
            file.writestr(member, text, zipfile.ZIP_DEFLATED)
    before = wheel.stat().st_size
    pack(wheel)
    assert wheel.stat().st_size < before
    with zipfile.ZipFile(wheel) as file:
        assert file.testzip() is None
        assert {name: file.read(name).decode() for name in file.namelist()} == contents
        assert {(member.date_time, member.external_attr) for member in file.infolist()} == {
            ((2026, 1, 2, 3, 4, 6), 0o644 << 16)
        }
    assert list(tmp_path.iterdir()) == [wheel]
