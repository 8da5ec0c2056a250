# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The small cases that mutants are tried on, on the kernels as they are."""

from __future__ import annotations

import pytest

from tests.kernels.interpreted.small_cases import CASES, Case


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=f"{file}: {name}") for file, make in CASES.items() for name, case in make()]
)
def test_small_case(case: Case) -> None:
    case.check(case.reference())
