# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What is changed in the kernels, and that the list of changes that change nothing is up to date; none is run here."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import imug_kernels
import pytest

from tests.kernels.mutants.equivalents import equivalents
from tests.kernels.mutants.mutate import Mutant, mutants

KERNELS = Path(imug_kernels.__file__).parent / "triton_kernels"
FUNCTION = """
@triton.jit
def f(X, n, BLOCK: tl.constexpr = 8):
    "Twice 2."
    mask = (tl.arange(0, BLOCK) < n) & (
        n != 3
    )
    return tl.where(mask, 0.5, float("nan"))

def launch():
    return 1 + 1
"""


@cache
def mutants_of(path: Path) -> list[Mutant]:
    return list(mutants(path.name, path.read_text(encoding="utf-8")))


def functions(text: str) -> set[str]:
    """The parts of a file that begin with a kernel, and what is before the first."""
    return set(text.split("@triton.jit\n"))


def test_everything_in_a_kernel_is_changed_and_nothing_else() -> None:
    changes = [mutant.change for mutant in mutants("f.py", FUNCTION)]
    assert changes == [
        "mask = tl.arange(0, BLOCK) < n",
        "mask = n != 3",
        "mask = (tl.arange(1, BLOCK) < n) & (",
        "mask = (tl.arange(0, BLOCK) <= n) & (",
        "mask = (tl.arange(0, BLOCK) >= n) & (",
        "mask = (tl.arange(0, BLOCK) < n) | (n != 3",
        "n == 3",
        "n != 4",
        "n != 2",
        'return tl.where(mask, 5.0, float("nan"))',
        'return tl.where(mask, 0.625, float("nan"))',
        'return tl.where(mask, 0.5, float("0"))',
    ]


@pytest.mark.parametrize("path", sorted(KERNELS.glob("*.py")), ids=lambda path: path.name)
def test_mutants_of_every_kernel_are_programs_of_their_own(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    found = mutants_of(path)
    assert {mutant.function for mutant in found} >= set(re.findall(r"@triton\.jit\ndef (_\w+_kernel)", text))
    unchanged = {function: ast.dump(ast.parse(function)) for function in functions(text)}
    for mutant in found:
        (changed,) = functions(mutant.text) - unchanged.keys()
        assert ast.dump(ast.parse(changed)) not in unchanged.values()
    assert len({mutant.name for mutant in found}) == len(found)


def test_every_listed_equivalent_is_a_mutant() -> None:
    existing = {mutant.name for path in KERNELS.glob("*.py") for mutant in mutants_of(path)}
    assert equivalents() <= existing
