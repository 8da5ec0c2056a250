# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The tests bite: each rule that is easy to lose is broken in the kernels' text, and a test has to fail for it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import imug_kernels
import pytest
import torch
from imug_kernels import triton_kernels

from tests.kernels import test_operations as operations
from tests.kernels.comparisons import check_cosine_sum, check_curve, check_gram, check_moments, check_pairs, check_rank
from tests.kernels.interpreted import test_cross as cross
from tests.kernels.interpreted import test_rbf as rbf
from tests.kernels.interpreted.small_cases import CASES
from tests.kernels.interpreted.small_tiles import POINTERS
from tests.kernels.naive import random_rows

Mutate = Callable[[str, str, str], None]
SOURCE = Path(imug_kernels.__file__).parent / "triton_kernels"
NOT_ITSELF = " & (local_m[:, None] != local_n[None, :])"


@pytest.fixture
def mutate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mutate:
    """Compute with a copy of the kernels in which one text is replaced wherever it stands."""
    loaded = [name for name in sys.modules if name.startswith("imug_kernels.triton_kernels.")]
    for name in loaded:
        monkeypatch.delitem(sys.modules, name)
        monkeypatch.delattr(triton_kernels, name.rpartition(".")[2])
    monkeypatch.setattr(triton_kernels, "__path__", [str(tmp_path / "mutant")])

    def replace(file: str, old: str, new: str) -> None:
        shutil.copytree(SOURCE, tmp_path / "mutant", ignore=shutil.ignore_patterns("__pycache__"))
        text = (SOURCE / file).read_text()
        assert old in text, f"{file} no longer holds: {old}"
        (tmp_path / "mutant" / file).write_text(text.replace(old, new))

    yield replace
    for name in [name for name in sys.modules if name.startswith("imug_kernels.triton_kernels.")]:
        del sys.modules[name]


def gram() -> None:
    check_gram(random_rows(7, 16, 0), [3, 4], None)


def masked_gram() -> None:
    check_gram(random_rows(7, 16, 0), [3, 4], torch.tensor([1, 0, 1, 1, 1, 0, 1]).bool())


def rank() -> None:
    check_rank(random_rows(5, 16, 0), random_rows(5, 16, 1), [5], None, None)


def curve() -> None:
    check_curve(random_rows(7, 16, 0), [3, 4], torch.arange(7), 3, None)


def cosine_sum() -> None:
    check_cosine_sum(random_rows(7, 16, 0), [3, 4], None)


def moments() -> None:
    values = random_rows(12, 3, 0).double()
    check_moments(values, [5, 7], torch.arange(12) % 5, slopes=2, curves=(1, 3), points=3, coverage=1)


def masked_moments() -> None:
    values, valid = random_rows(5, 2, 0).double(), torch.tensor([1, 0, 1, 1, 1]).bool()
    check_moments(values, [5], torch.arange(5), valid=valid, present=~valid, expected=~valid, slopes=1)


def time_stamps() -> None:
    check_moments(random_rows(5, 2, 0).double(), [5], 10**18 + torch.arange(5), slopes=2)


def narrow_pairs() -> None:
    check_pairs(random_rows(5, 16, 0, torch.bfloat16), random_rows(5, 16, 1, torch.bfloat16))


def narrow_gram() -> None:
    check_gram(random_rows(5, 16, 0, torch.bfloat16), [5], None)


def long_gram() -> None:
    check_gram(random_rows(70, 16, 0), [70], None)


def bad_row() -> None:
    operations.test_non_finite_row_spoils_its_own_pairs_and_segment_only(float("inf"))


def zero_row() -> None:
    rows = random_rows(5, 16, 0)
    rows[2] = 0.0
    check_gram(rows, [5], None)


def short_rows() -> None:
    check_gram(random_rows(5, 16, 0) * 1e-30, [5], None)


def long_rows() -> None:
    check_gram(random_rows(5, 16, 0) * 1e30, [5], None)


def bad_pair() -> None:
    x = random_rows(5, 16, 0)
    x[2, 3] = torch.inf
    check_pairs(x, random_rows(5, 16, 1))


def without_self() -> None:
    cross.test_left_out_pairs(True, False)


def without_group() -> None:
    cross.test_left_out_pairs(False, True)


def many_columns() -> None:
    cross.test_kernel_equals_plain_pytorch(5, 300, 7, torch.float32)


def equals_at_the_end() -> None:
    y = cross.rows(6, 24, 3).repeat(10, 1)
    cross.compare(y[:6], y, *cross.arguments(6, 60, k=16), tiles=[POINTERS])


def near_rows() -> None:
    rbf.test_kernel_sums_equal_plain_pytorch(POINTERS, 10.0, torch.float32)


def rows_neither_near_nor_far() -> None:
    rbf.test_kernel_sums_equal_plain_pytorch(POINTERS, 1.0, torch.float32)


def packed_gram() -> None:
    small("gram", "all rows, packed")


def gram_gradient() -> None:
    small("gram_backward", "all rows")


def equal_rows_gradient() -> None:
    small("gram_backward", "equal rows")


def bound_gradient() -> None:
    small("paired_backward", "bound")


def small(file: str, name: str) -> None:
    case = dict(CASES[file]())[name]
    case.check(case.reference())


MUTATIONS = {
    "segments that share a program meet": (
        "gram.py",
        "partner & (opening_m == opening_n[None, :])",
        "partner",
        packed_gram,
    ),
    "a long segment is one program's": ("segment_blocks.py", "BLOCK_M - PACKED + 1", "4 * BLOCK_M", packed_gram),
    "a row has no part in the gradient of others": (
        "gram_backward.py",
        "ahead < 0, ahead == -1",
        "ahead > 0, ahead == 1",
        gram_gradient,
    ),
    "a later tile replaces the gradient": ("gram_backward.py", "if start > first", "if start < first", gram_gradient),
    "the first of equal extremes has all": (
        "gram_backward.py",
        "of_high / tl.maximum(high, 1.0)",
        "of_high",
        equal_rows_gradient,
    ),
    "what the bound cut has a gradient": ("paired_backward.py", " & (cosine >= floor)", "", bound_gradient),
    "a row is its own partner": ("gram.py", NOT_ITSELF, "", gram),
    "a row is its own rival": ("rank.py", NOT_ITSELF, "", rank),
    "pairs count from both sides": ("curve.py", "(local_m[:, None] < local_n[None, :])", NOT_ITSELF[3:], curve),
    "a row is in its own sum": ("cosine_sum.py", "(total[None, :] - unit)", "total[None, :]", cosine_sum),
    "NaN is a value": ("moments.py", "return value, value == value", "return value, mask_m[:, None]", moments),
    "every position counts": ("moments.py", "(position == point)", "(position != point)", moments),
    "time stamps are rounded": (
        "moments.py",
        "(x - least_x[None, :]).to(tl.float64)",
        "x.to(tl.float64) - least_x[None, :].to(tl.float64)",
        time_stamps,
    ),
    "a row without a value pulls the mean": (
        "moments.py",
        "tl.where(pair, (x",
        "tl.where(row[:, None] < end, (x",
        moments,
    ),
    "an invalid row is expected": ("moments.py", "(mask & valid_rows(EXPECTED", "(valid_rows(EXPECTED", masked_moments),
    "bf16 is multiplied as it is, in pairs": ("paired.py", "SCALED).to(tl.float32)", "SCALED)", narrow_pairs),
    "bf16 is multiplied as it is, in tiles": ("numerics.py", "return INTERPRET and", "return False and", narrow_gram),
    "an infinite length divides": ("numerics.py", ' & (squares < float("inf"))', "", bad_row),
    "a zero row has a direction": ("numerics.py", "(squares > 0.0)", "(squares >= 0.0)", zero_row),
    "squares underflow": ("numerics.py", "(squares < LOWEST_SQUARES)", "(squares < 0)", short_rows),
    "squares overflow": ("numerics.py", "(squares > HIGHEST_SQUARES)", "(squares < 0)", long_rows),
    "a zero row is a partner": ("gram.py", "known_m[:, None] & known_n[", "mask_m[:, None] & mask_n[", zero_row),
    "invalid rows are partners": ("tiles.py", "    if HAS_VALID:", "    if False:", masked_gram),
    "the anchor is the first row of all": ("gram.py", "local_n[None, :] == opening_m", "column[None, :] == 0", gram),
    "only the first tile counts": ("gram.py", "range(first, finish,", "range(first, first + 1,", long_gram),
    "the bound replaces NaN": (
        "paired.py",
        "cosine < floor, floor, cosine",
        "cosine >= floor, cosine, floor",
        bad_pair,
    ),
    "a row is among its own candidates": ("cross.py", "mask & (row[:, None] != column[None, :])", "mask", without_self),
    "its group is among them": ("cross.py", "mask & (same_group == 0)", "mask", without_group),
    "the positive is its own rival": ("cross.py", " & (column[None, :] != positive[:, None])", "", many_columns),
    "of equal smallest ones the first leaves": (
        "top_k.py",
        "tl.max(tl.where(values == lowest[:, None], indices, -2147483647), axis=1)",
        "tl.min(tl.where(values == lowest[:, None], indices, 2147483647), axis=1)",
        equals_at_the_end,
    ),
    "only the first tile of a split counts": (
        "cross.py",
        "range(begin, end, BLOCK_N",
        "range(begin, begin + 1, BLOCK_N",
        many_columns,
    ),
    "splits overlap": ("cross.py", "begin = tl.program_id(1) * split_size", "begin = 0", many_columns),
    "a larger maximum forgets the sum": ("cross.py", "total * tl.exp(highest - base)", "total", many_columns),
    "NaN is left out of the exponentials": (
        "cross.py",
        "tl.where(mask, scaled",
        "tl.where(mask & (scaled == scaled), scaled",
        cross.test_zero_and_unknown_rows,
    ),
    "the last cosine has no bin": (
        "cross.py",
        "tl.minimum(tl.maximum(bin_of, 0), BINS - 1)",
        "bin_of",
        cross.test_histograms_count_every_pair_where_its_cosine_is,
    ),
    "half of the pairs count twice": ("rbf.py", "mask & (column[None, :] >= row[:, None])", "mask", near_rows),
    "one is taken from nearly one": (
        "rbf.py",
        "tl.where(x > -0.25, series, tl.exp(x) - 1.0)",
        "tl.exp(x) - 1.0",
        near_rows,
    ),
    "the series is summed where it has not converged": ("rbf.py", "x > -0.25", "x > -2.5", rows_neither_near_nor_far),
    "a row's pair with itself hides what it holds": (
        "rbf.py",
        " & (distance == distance)",
        "",
        rbf.test_single_row_that_holds_nan_makes_nan_of_the_sum,
    ),
}  # fmt: skip

CHECKS = list(dict.fromkeys(mutation[3] for mutation in MUTATIONS.values()))
TESTS_OF_OTHER_FILES = {  # they pass there on the kernels as they are
    packed_gram,
    gram_gradient,
    equal_rows_gradient,
    bound_gradient,
    bad_row,
    without_self,
    without_group,
    many_columns,
    near_rows,
    rows_neither_near_nor_far,
    cross.test_zero_and_unknown_rows,
    cross.test_histograms_count_every_pair_where_its_cosine_is,
    rbf.test_single_row_that_holds_nan_makes_nan_of_the_sum,
}


@pytest.mark.parametrize(("file", "old", "new", "check"), MUTATIONS.values(), ids=MUTATIONS)
def test_breaking_a_rule_is_noticed(mutate: Mutate, file: str, old: str, new: str, check: Callable[[], None]) -> None:
    mutate(file, old, new)
    # Values, not a crash: a mutant that does not even run would prove nothing.
    with pytest.raises(AssertionError, match=r"not close|not equal|^assert"):
        check()


@pytest.mark.parametrize("check", [check for check in CHECKS if check not in TESTS_OF_OTHER_FILES])
def test_the_same_checks_pass_unbroken(check: Callable[[], None]) -> None:
    check()


def test_no_kernel_uses_what_the_interpreter_and_the_compiler_read_differently() -> None:
    for file in SOURCE.glob("*.py"):
        text = file.read_text()
        assert "tl.clamp(" not in text, f"{file.name}: compiled, tl.clamp drops NaN"
        assert 'input_precision="tf32"' not in text, f"{file.name}: one TF32 product is off by 1e-3"
