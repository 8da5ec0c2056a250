# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What the interpreter cannot show of the operations on packed rows: the compiled kernels on a device."""

from __future__ import annotations

import imug_kernels as ops
import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from tests.kernels.calls import CALLS, Batch
from tests.kernels.comparisons import DTYPES
from tests.kernels.gpu.on_device import CUDA, compare
from tests.kernels.naive import offsets_of, random_rows, random_valid

pytestmark = pytest.mark.gpu
LENGTHS = [3, 0, 1, 7, 12, 64, 65, 200, 2]


@pytest.mark.parametrize("width", [1, 37, 768, 4096])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_compiled_kernels_equal_float64(width: int, dtype: torch.dtype) -> None:
    # TF32 alone would be off by 1e-3 in the float32 tiles; the rows hold a zero row, a duplicate and a NaN.
    count = sum(LENGTHS)
    x, y = random_rows(count, width, 0, dtype), random_rows(count, width, 1, dtype)
    offsets, valid, positions = offsets_of(LENGTHS), random_valid(count, 2), torch.arange(count)
    compare(ops.paired_cosine, x, y, tolerance=3e-6)
    compare(ops.paired_cosine, x, y, torch.arange(count).flip(0), torch.arange(count), tolerance=3e-6)
    compare(ops.dialogue_gram, x, offsets)
    compare(ops.dialogue_gram, x, offsets, valid)
    compare(ops.dialogue_cosine_sum, x, offsets, valid)
    compare(lambda r, o, p: ops.delta_curve(r, o, p, 6), x, offsets, positions)
    compare(ops.segment_reduce, x[:, 0], offsets, valid)
    compare_moments(x, y, offsets, valid)


def compare_moments(x: Tensor, y: Tensor, offsets: Tensor, valid: Tensor) -> None:
    columns, width = x[:, :20].double(), min(x.shape[1], 20)
    options = {"slopes": min(width, 3), "curves": (width // 2, width), "points": 9, "coverage": width - 1}
    for first in (1, 10**18):

        def call(values: Tensor, offsets: Tensor, valid: Tensor, first: int = first) -> Tensor:
            positions = torch.arange(len(values), device=values.device) % 11 * 7 + first
            masks = {"valid": valid, "present": valid.flip(0), "expected": valid.roll(3)}
            return ops.segment_moments(values, offsets, positions, **masks, **options)

        compare(call, columns, offsets, valid, tolerance=1e-12)
        compare(call, columns.float(), offsets, valid, tolerance=1e-12)
    compare(
        lambda v, o, p, x: ops.segment_moments(v, o, p, over=x, slopes=1),
        columns,
        offsets,
        torch.arange(len(x)),
        y[:, :1],
        tolerance=1e-12,
    )


def test_nan_and_infinity_survive_compilation() -> None:
    # Compiled minima and maxima drop NaN; the interpreter's keep it.
    for bad in (torch.nan, torch.inf, -torch.inf):
        rows = random_rows(80, 64, 0).nan_to_num(1.0)
        rows[70, 5] = bad
        offsets = torch.tensor([0, 3, 75, 80])
        compare(ops.paired_cosine, rows, rows.flip(0))
        compare(ops.dialogue_gram, rows, offsets)
        compare(ops.own_rank, rows, rows.flip(0), offsets)
        compare(ops.dialogue_cosine_sum, rows, offsets)
        compare(ops.segment_reduce, rows[:, 5], offsets)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("count", [5, 200])
def test_duplicates_tie_on_tensor_cores(count: int, dtype: torch.dtype) -> None:
    x, y = (torch.randn(count, 768, generator=torch.Generator().manual_seed(k)).to(dtype) for k in (0, 1))
    y[count - 1] = y[0]
    greater, equal, _ = ops.own_rank(x.to(CUDA), y.to(CUDA), torch.tensor([0, count], device=CUDA))
    assert equal[0] == equal[-1] == 1
    assert greater.isfinite().all()


def test_bits_are_the_same_every_time() -> None:
    rows, offsets = random_rows(sum(LENGTHS), 256, 0).to(CUDA), offsets_of(LENGTHS).to(CUDA)
    results = [torch.stack(ops.dialogue_gram(rows, offsets)).nan_to_num() for _ in range(20)]
    assert all(torch.equal(result, results[0]) for result in results)


def test_rows_beyond_two_to_the_31_elements() -> None:
    width = 4096
    count = 2**31 // width + 1024
    if torch.cuda.get_device_properties(0).total_memory < 4 * count * width:
        pytest.skip("the device has too little memory")
    rows = torch.zeros(count, width, dtype=torch.bfloat16, device=CUDA)
    rows[:, 0] = 1
    rows[-2:, 1] = torch.tensor([1.0, -1.0], device=CUDA)
    lengths = torch.full((count // 16,), 16)
    offsets = offsets_of(lengths.tolist()).to(CUDA)
    assert ops.paired_cosine(rows, rows)[-1].item() == pytest.approx(1, abs=3e-6)
    last = torch.tensor([count - 1], device=CUDA)
    assert ops.paired_cosine(rows, rows, last, last - 1).item() == pytest.approx(0, abs=3e-6)
    stats = ops.dialogue_gram(rows, offsets)
    assert stats.previous[-1].item() == pytest.approx(0, abs=1e-5)
    assert stats.previous[1].item() == pytest.approx(1, abs=1e-5)
    sums, counts = ops.dialogue_cosine_sum(rows, offsets)
    assert (sums[0] / counts[0]).item() == pytest.approx(1, abs=1e-5)


def test_million_rows_in_dialogues_of_many_lengths() -> None:
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(0, 40, (50_000,), generator=generator).tolist()
    rows = torch.randn(sum(lengths), 64, generator=generator)
    compare(ops.dialogue_gram, rows, offsets_of(lengths))
    compare(ops.dialogue_cosine_sum, rows, offsets_of(lengths), tolerance=1e-4)


@pytest.fixture
def batch() -> Batch:
    x, y = random_rows(80, 64, 0), random_rows(80, 64, 0).flip(0)
    offsets, positions = torch.tensor([0, 3, 75, 80]), torch.arange(80)
    return Batch(x, y, offsets, positions, positions.flip(0), random_valid(80, 1)).to(CUDA)


def test_no_call_waits_for_the_device(batch: Batch) -> None:
    for call in CALLS.values():
        call(batch)  # compiled here, which may wait
    torch.cuda.set_sync_debug_mode("error")
    try:
        for call in CALLS.values():
            call(batch)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_calls_can_be_captured_in_a_graph_and_replayed(batch: Batch) -> None:
    def everything() -> list[Tensor]:
        return [part for call in CALLS.values() for part in call(batch)]

    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        everything()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured = everything()
    batch.x.copy_(random_rows(80, 64, 1))
    graph.replay()
    for result, expected in zip(captured, everything(), strict=True):
        assert_close(result, expected, atol=0, rtol=0, equal_nan=True)


def test_work_is_done_on_the_current_stream() -> None:
    rows = torch.randn(4096, 4096, device=CUDA)
    side = torch.cuda.Stream()
    with torch.cuda.stream(side):
        torch.cuda._sleep(100_000_000)
        other = rows * 2
        result = ops.paired_cosine(rows, other)
    side.synchronize()
    assert_close(result, torch.ones_like(result), atol=3e-6, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_gradients_equal_those_of_the_cpu(dtype: torch.dtype) -> None:
    rows, offsets = random_rows(11, 32, 0, dtype), torch.tensor([0, 3, 11])

    def gradient(rows: Tensor, offsets: Tensor) -> Tensor:
        rows = rows.clone().requires_grad_()
        total = ops.dialogue_gram(rows, offsets).sum.sum() + ops.paired_cosine(rows, rows.flip(0)).sum()
        return torch.autograd.grad(total, rows)[0]

    tolerance = 1e-5 if dtype == torch.float32 else 2e-2
    compare(gradient, rows, offsets, tolerance=tolerance)


def test_compiled_by_inductor_without_a_break() -> None:
    rows, offsets = random_rows(11, 32, 0).to(CUDA), torch.tensor([0, 3, 11], device=CUDA)
    compiled = torch.compile(lambda r, o: ops.dialogue_gram(r * 2, o).sum + 1, fullgraph=True)
    assert_close(compiled(rows, offsets), ops.dialogue_gram(rows * 2, offsets).sum + 1, equal_nan=True)
