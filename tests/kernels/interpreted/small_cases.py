# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Small inputs on which a kernel with any one constant, comparison, operator or mask changed gives something else.

Blocks are tiny, so that a few rows meet every edge of them: ragged last blocks, several blocks a segment, several
splits. Rows lie in memory that is NaN elsewhere. `tests/kernels/mutants` tries the changed kernels on them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any
from unittest import mock

import imug_kernels as ops
import pytest
import torch
from imug_kernels.reference import gram as plain_gram
from imug_kernels.reference import paired as plain_paired
from torch import Tensor
from torch.testing import assert_close

from tests.kernels.interpreted.small_tiles import kernels
from tests.kernels.naive import noise, offsets_of, random_valid

NAN, INF = torch.nan, torch.inf
LENGTHS = [3, 0, 1, 16, 2, 37, 1]  # one that fills a block of 16, one that takes three
ROWS = sum(LENGTHS)
OFFSETS = offsets_of(LENGTHS)


@dataclass(frozen=True)
class Case:
    """A call and what it has to give: by default the same by plain PyTorch in float64."""

    call: Callable[[], Any]
    expected: Callable[[], Any] | None = None
    rtol: float = 3e-6
    atol: float = 3e-6
    tiles: dict[str, int] | None = None
    step: int = 16  # elements of a row at a time where a program holds few rows

    def compute(self) -> list[Tensor]:
        with tiny_blocks(self.tiles, self.step):
            return _tensors(self.call())

    def reference(self) -> list[Tensor]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("IMUG_BACKEND", "torch")
            return _tensors((self.expected or self.call)())

    def check(self, expected: Sequence[Tensor]) -> None:
        for mine, plain in zip(self.compute(), expected, strict=True):
            assert mine.shape == plain.shape
            assert_close(mine.double(), plain.double(), rtol=self.rtol, atol=self.atol, equal_nan=True)


def _tensors(result: Any) -> list[Tensor]:
    return [result] if isinstance(result, Tensor) else list(result)


@contextmanager
def tiny_blocks(tile: dict[str, int] | None, step: int) -> Iterator[None]:
    """Let all launchers use the least blocks there are, in the kernels as they are loaded now."""
    tile = {"BLOCK_M": 16, "BLOCK_N": 16, "BLOCK_K": 16, "PACKED": 0, "DESCRIPTORS": 0, **(tile or {})}
    settings = kernels("settings")
    chosen = {
        "all_pairs_tile": tile,
        "segment_tile": tile,
        "row_blocks": {"BLOCK_R": 4, "BLOCK_D": step},
        "whole_rows": {"BLOCK_R": 4, "BLOCK_D": 32},
        "segment_values": {"BLOCK_R": 4, "BLOCK_W": 2},
    }
    with ExitStack() as stack:
        for name, value in chosen.items():
            stack.enter_context(mock.patch.object(settings, name, return_value=value))
        blocks = kernels("segment_blocks")
        stack.enter_context(mock.patch.object(blocks, "LOOKED_UP", 4))
        by_name = (("paired", "row_blocks"), ("segments", "segment_values"), ("cosine_sum", "whole_rows"))
        by_name += (("moments", "segment_values"), ("paired_backward", "row_blocks"))
        for file, name in by_name:
            stack.enter_context(mock.patch.object(kernels(file), name, return_value=chosen[name]))
        images = {"BLOCK_H": 4, "BLOCK_W": 8, "BLOCK_R": 4}
        stack.enter_context(mock.patch.object(kernels("preprocess"), "PREPROCESS", images))
        yield


PACKED = {"PACKED": 12}  # in blocks of 16: a segment of 5 may begin at the last place, one of 6 is cut
DESCRIPTORS = {"BLOCK_N": 32, "DESCRIPTORS": 1}


def surrounded(rows: Tensor) -> Tensor:
    """The same rows within memory that is NaN before, between and after them."""
    memory = torch.full((len(rows) + 2, rows.shape[1] + 6), NAN, dtype=rows.dtype)
    inner = memory[1:-1, 2:-4]
    inner.copy_(rows)
    return inner


def described(rows: Tensor) -> Tensor:
    """The same rows within such memory, each at a multiple of 16 bytes, as descriptors ask for."""
    memory = torch.full((len(rows) + 2, rows.shape[1] + 8 + -rows.shape[1] % 8), NAN, dtype=rows.dtype)
    inner = memory[1:-1, 8 : 8 + rows.shape[1]]
    inner.copy_(rows)
    return inner


def embeddings(count: int, width: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    return surrounded(noise(count, width, seed, dtype))


def with_oddities(rows: Tensor) -> Tensor:
    """A zero row, two equal rows, one with NaN and one with infinity."""
    rows = rows.clone()
    rows[1], rows[5] = 0, rows[6]
    rows[8, 2], rows[11, 0] = NAN, -INF
    return surrounded(rows)


def of_all_sizes(rows: Tensor) -> Tensor:
    """One row in two so short or so long that float32 loses its squares, one with a single long element, a zero row."""
    sizes = torch.tensor([1e-13, 1e13, 1e-20, 1e20, 1e-30, 1e30, 1e-38, 1e37, 1e-40])
    if rows.dtype != torch.float32:
        sizes = sizes[:-3]  # the interpreter reads the shortest bf16 wrongly
    rows = rows.clone()
    rows[::2] *= sizes.repeat(len(rows))[: len(rows[::2]), None].to(rows.dtype)
    rows[1], rows[3, 0] = 0, 1e30
    rows[4] = rows[4].sign() * 0.9 * torch.finfo(rows.dtype).max
    return surrounded(rows)


def with_one_short_row(rows: Tensor) -> Tensor:
    rows = rows.clone()
    rows[2] *= 1e-30
    return surrounded(rows)


def paired_cases() -> Iterator[tuple[str, Case]]:
    x, y = with_oddities(noise(13, 21)), embeddings(13, 21, 1)
    yield "pairs", Case(lambda: ops.paired_cosine(x, y))
    yield "bound and scale", Case(lambda: ops.paired_cosine(x, y, scale=2.5, floor=0.05))
    few = embeddings(6, 16, 2)
    index = torch.tensor([0, 5, -1, 3, 12, 2, 2])
    yield "numbers of x", Case(lambda: ops.paired_cosine(x[:, :16], surrounded(y[:7, :16]), ix=index))
    other = torch.tensor([5, 0, 3, -1, 0, 4, 1])
    yield "numbers of both", Case(lambda: ops.paired_cosine(x[:, :16], few, ix=index, iy=other))
    yield "numbers of y", Case(lambda: ops.paired_cosine(surrounded(x[:7, :16]), few, iy=other))
    beyond = torch.tensor([0, 13, 12, -2, 2**40])
    there = torch.tensor([True, False, True, False, False])
    y_too = surrounded(y[:5])
    for name, ix, iy in (("x", beyond, None), ("y", None, beyond), ("both", beyond, beyond)):
        left, right = (x if ix is not None else y_too), (x if iy is not None else y_too)
        yield (
            f"numbers of {name} out of range",
            Case(
                lambda left=left, right=right, ix=ix, iy=iy: ops.paired_cosine(left, right, ix=ix, iy=iy),
                lambda left=left, right=right, ix=ix, iy=iy: ops.paired_cosine(
                    left, right, *(index if index is None else index.where(there, -1) for index in (ix, iy))
                ),
            ),
        )
    sizes, others = of_all_sizes(noise(19, 21)), of_all_sizes(noise(19, 21, 1))
    plain = embeddings(19, 21, 2)
    yield "of all sizes", Case(lambda: ops.paired_cosine(sizes, others))
    yield "x of all sizes", Case(lambda: ops.paired_cosine(sizes, plain))
    yield "y of all sizes", Case(lambda: ops.paired_cosine(plain, others))
    yield "one short row", Case(lambda: ops.paired_cosine(with_one_short_row(plain), plain.flip(0)))
    wide, wider = of_all_sizes(noise(9, 150)), of_all_sizes(noise(9, 300))
    yield "of all sizes in steps of 64", Case(lambda: ops.paired_cosine(wide, wide.flip(0)), step=64)
    yield "of all sizes in steps of 128", Case(lambda: ops.paired_cosine(wider, wider.flip(0)), step=128)
    half = embeddings(5, 3, 3, torch.bfloat16)
    yield "bf16", Case(lambda: ops.paired_cosine(half, half.flip(0)))


def segment_inputs() -> Iterator[tuple[str, Tensor, Tensor, Tensor | None, Tensor | None]]:
    """Rows x and y with masks."""
    plain = embeddings(ROWS, 21), embeddings(ROWS, 21, 1)
    yield "all rows", *plain, None, None
    odd = with_oddities(noise(ROWS, 21)), embeddings(ROWS, 21, 1)
    yield "odd rows", *odd, None, None
    yield "of all sizes", of_all_sizes(noise(ROWS, 21)), of_all_sizes(noise(ROWS, 21, 1)), None, None
    yield "one short row", with_one_short_row(plain[0]), plain[1], None, None
    invalid = [random_valid(ROWS, seed) for seed in (2, 3)]
    hidden = [rows.clone().masked_fill_(~valid[:, None], NAN) for rows, valid in zip(plain, invalid)]
    yield "invalid rows", *(surrounded(rows) for rows in hidden), *invalid
    half = noise(ROWS, 5, 4, torch.bfloat16), noise(ROWS, 5, 5, torch.bfloat16)
    yield "bf16", *(surrounded(rows) for rows in half), None, invalid[0]
    yield "bf16 of all sizes", *(of_all_sizes(rows) for rows in half), None, None


def segment_blocks_cases() -> Iterator[tuple[str, Case]]:
    for name, lengths in (
        ("mixed", LENGTHS),
        ("as long as may be whole, and longer", [11, 5, 7, 6, 0, 0, 24, 1, 4, 5, 30, 0]),
        ("empty ones where programs begin", [0, 0, 12, 0, 0, 12, 3, 0, 9, 0, 0, 0, 0, 2]),
    ):
        offsets = offsets_of(lengths)
        for form, tile, expected in (("by segment", {}, _cut_by_segment), ("packed", PACKED, _packed)):
            yield (
                f"{name}, {form}",
                Case(lambda o=offsets: _programs(o), lambda o=offsets, f=expected: f(o.tolist()), tiles=tile),
            )


def _programs(offsets: Tensor) -> list[Tensor]:
    rows = torch.zeros(int(offsets[-1]), 1)
    found = kernels("segment_blocks").segment_blocks("gram", rows, offsets)
    if found.tile["PACKED"]:
        return [found.segment, found.start]
    return [found.segment, found.start[:-1].where(found.segment >= 0, -1)]


def _cut_by_segment(offsets: list[int], block: int = 16) -> list[Tensor]:
    segment = torch.full((offsets[-1] // block + len(offsets) - 1,), -1)
    start = segment.clone()
    for number, (first, end) in enumerate(pairwise(offsets)):
        begins = torch.arange(first, end, block)
        programs = first // block + number + torch.arange(len(begins))
        segment[programs], start[programs] = number, begins
    return [segment, start]


def _packed(offsets: list[int], block: int = 16, packed: int = 12) -> list[Tensor]:
    rows = offsets[-1]
    places = [*range(0, rows, packed), rows]
    segments = [max(i for i, first in enumerate(offsets[:-1]) if first <= place) for place in places]
    starts = list(places)
    for program, (place, segment) in enumerate(zip(places, segments)):
        first, end = offsets[segment : segment + 2]
        if first < place and end - first <= block - packed + 1:  # it ends within the block it begins in
            starts[program] = end
    return [torch.tensor(segments[:-1]), torch.tensor(starts)]


def gram_cases() -> Iterator[tuple[str, Case]]:
    for name, x, _, valid, _ in segment_inputs():
        yield name, Case(lambda x=x, valid=valid: ops.dialogue_gram(x, OFFSETS, valid))
    for name, x, _, valid, _ in list(segment_inputs())[:5:2]:
        yield f"{name}, packed", Case(lambda x=x, valid=valid: ops.dialogue_gram(x, OFFSETS, valid), tiles=PACKED)
    few = embeddings(13, 16)
    offsets = offsets_of([0] * 40 + [3, 4] + [0] * 50 + [6])  # more empty ones than are looked at at a time
    yield "packed among many empty ones", Case(lambda: ops.dialogue_gram(few, offsets), tiles=PACKED)
    looked_at = offsets_of([1] + [0] * 20 + [1] * 9 + [2])  # the last offset that is looked at at a time is the end
    yield (
        "packed, all looked at at once",
        Case(lambda: ops.dialogue_gram(surrounded(few[:12]), looked_at), tiles=PACKED),
    )


def times_lengths(gradient: Tensor, rows: Tensor) -> Tensor:
    """The gradient of rows as if each were one long; without those whose gradient is more than float32 holds."""
    lengths = torch.linalg.vector_norm(rows.double(), dim=1, keepdim=True)
    has_direction = (lengths > 0) & lengths.isfinite()
    scaled = (gradient.double() * lengths).where(lengths > 1e-36, 0)
    return scaled.where(has_direction, gradient.double())


def of_numbers(*shape: int) -> list[Tensor]:
    """Gradients of the results."""
    return [torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(9))]


def gram_backward_cases() -> Iterator[tuple[str, Case]]:
    grads = of_numbers(7, ROWS)

    def case(x: Tensor, valid: Tensor | None) -> Case:
        def run(backward: Callable[..., list[Tensor]]) -> Tensor:
            return times_lengths(*backward(grads, x, OFFSETS, valid), x)

        tolerance = 3e-2 if x.dtype == torch.bfloat16 else 1e-4  # results have the dtype of the rows
        return Case(
            lambda: run(kernels("gram_backward").dialogue_gram_backward),
            lambda: run(plain_gram.dialogue_gram_backward),
            atol=tolerance,
        )

    for name, x, _, valid, _ in segment_inputs():
        yield name, case(x, valid)
    twins = noise(ROWS, 21)
    twins[5] = twins[6] = twins[9]
    twins[30] = twins[50] = twins[24]
    yield "equal rows", case(surrounded(twins), None)
    yield "in steps of 32", replace(case(embeddings(ROWS, 70), None), tiles={"BLOCK_K": 64})
    yield "weights", Case(lambda: _weights_are_written(embeddings(ROWS, 21)), lambda: torch.tensor(True))


def _weights_are_written(rows: Tensor) -> Tensor:
    """Return whether each program that has rows, and no other, has used the memory that is meant for its weights."""
    made, empty = [], torch.empty

    def poisoned(*shape: Any, **options: Any) -> Tensor:
        made.append(empty(*shape, **options))
        return made[-1].fill_(NAN) if made[-1].is_floating_point() else made[-1]

    with mock.patch.object(torch, "empty", poisoned):
        kernels("gram_backward").dialogue_gram_backward(of_numbers(7, ROWS), rows, OFFSETS, None)
    (weights,) = (tensor for tensor in made if tensor.ndim == 3)
    segment = kernels("segment_blocks").segment_blocks("gram_backward", rows, OFFSETS).segment
    return (weights.isfinite().all(2).all(1) == (segment >= 0)).all()


def paired_backward_cases() -> Iterator[tuple[str, Case]]:
    x, y = with_oddities(noise(13, 21)), embeddings(13, 21, 1)
    sizes, others = of_all_sizes(noise(19, 21)), of_all_sizes(noise(19, 21, 1))
    index = torch.tensor([0, 5, -1, 3, 12, 2, 2])
    beyond = torch.tensor([5, 13, 3, -2, 0, 4, 2**40])
    few = surrounded(y[:7])
    grads = of_numbers(19)[0]
    grads[0], grads[2] = 1 / 2.5, 0  # scaled: 1, which is as good as any other, and 0

    def case(
        x: Tensor, y: Tensor, ix: Tensor | None = None, iy: Tensor | None = None, *, floor: float | None = None
    ) -> Case:
        def run(backward: Callable[..., list[Tensor]]) -> list[Tensor]:
            found = backward([grads[: len(x if ix is None else ix)]], x, y, ix, iy, 2.5, floor)
            return [times_lengths(*side) for side in zip(found, (x, y), strict=True)]

        return Case(
            lambda: run(kernels("paired_backward").paired_cosine_backward),
            lambda: run(plain_paired.paired_cosine_backward),
            atol=3e-2 if x.dtype == torch.bfloat16 else 2e-5,
        )

    yield "pairs", case(x, y)
    yield "bound", case(x, y, floor=0.05)
    yield "at the bound", case(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 2.0]]), floor=0.0)
    yield "numbers of x", case(x, few, index)
    yield "numbers of y", case(few, x, None, beyond)
    yield "numbers of both", case(x, y, index, beyond)
    yield "of all sizes", case(sizes, others)
    wide = of_all_sizes(noise(9, 150))
    yield "of all sizes in steps of 64", replace(case(wide, wide.flip(0)), step=64)
    half = embeddings(5, 3, 3, torch.bfloat16)
    yield "bf16", case(half, half.flip(0))


def curve_cases() -> Iterator[tuple[str, Case]]:
    positions = torch.randint(1, 9, (ROWS,), generator=torch.Generator().manual_seed(0)) + 2**40
    for name, x, _, valid, _ in segment_inputs():
        yield name, Case(lambda x=x, valid=valid: ops.delta_curve(x, OFFSETS, positions, 5, valid))


def cosine_sum_cases() -> Iterator[tuple[str, Case]]:
    for name, x, _, valid, _ in segment_inputs():
        yield name, Case(lambda x=x, valid=valid: ops.dialogue_cosine_sum(x, OFFSETS, valid))


def rank_cases() -> Iterator[tuple[str, Case]]:
    for name, x, y, valid_x, valid_y in segment_inputs():
        y = y.clone()
        y[2], y[25], y[40] = y[0], y[24], y[24]
        y = surrounded(y)
        yield name, Case(lambda x=x, y=y, a=valid_x, b=valid_y: ops.own_rank(x, y, OFFSETS, a, b))
        if name in ("all rows", "invalid rows"):
            packed = Case(lambda x=x, y=y, a=valid_x, b=valid_y: ops.own_rank(x, y, OFFSETS, a, b), tiles=PACKED)
            yield f"{name}, packed", packed
    absent = noise(ROWS, 21, 1)
    absent[[3, 20, 25]], absent[ROWS - 1, 2] = 0, NAN  # alone, one of two and one of many
    for name, valid in (("y without directions", None), ("and invalid", random_valid(ROWS, 2))):
        x, y = embeddings(ROWS, 21), surrounded(absent)
        yield name, Case(lambda x=x, y=y, valid=valid: ops.own_rank(x, y, OFFSETS, valid, None))
    x = torch.tensor([[1.0, 0, 0]]).repeat(4, 1)
    y = torch.tensor([[0, 1.0, 0], [1e-6, 1.0, 0], [-1e-6, 1.0, 0], [1.1e-6, 0, 1.0]])
    yield "at the edge of a tie", Case(lambda: ops.own_rank(x, y, torch.tensor([0, 4])))


def segments_cases() -> Iterator[tuple[str, Case]]:
    values = noise(ROWS, 3)
    values[5, 0], values[7, 1], values[12, 2] = NAN, INF, -INF
    valid = random_valid(ROWS, 2)
    yield "sums of three", Case(lambda: ops.segment_sum(values, OFFSETS))
    yield "sums in single precision", Case(lambda: ops.segment_sum(values, OFFSETS, torch.float32), rtol=1e-6)
    yield "of three", Case(lambda: ops.segment_reduce(values, OFFSETS))
    yield "of valid ones", Case(lambda: ops.segment_reduce(values.masked_fill(~valid[:, None], NAN), OFFSETS, valid))
    yield "of bf16", Case(lambda: ops.segment_reduce(values.bfloat16(), OFFSETS), rtol=1e-14)
    yield "of float64", Case(lambda: ops.segment_reduce(values[:, 0].double() * 1e9, OFFSETS), rtol=1e-14)


def moments_cases() -> Iterator[tuple[str, Case]]:
    values = noise(ROWS, 5).double() + 3
    values[5, 0], values[7], values[22:30, 1], values[1, 2] = NAN, NAN, NAN, NAN
    values = surrounded(values)
    turns = torch.randint(1, 9, (ROWS,), generator=torch.Generator().manual_seed(0)) - 1
    over = noise(ROWS, 3, 1).double() - 2
    over[2, 0], over[30, 1] = NAN, NAN
    masks = {name: random_valid(ROWS, seed) for seed, name in enumerate(("valid", "present", "expected"), 2)}
    invalid = values.clone().masked_fill_(~masks["valid"][:, None], 1e9)
    positions, apart = (order * 7919 % 1009 + 10**18 for order in (turns, torch.arange(ROWS)))
    few, one = {"slopes": 3, "curves": (1, 4), "points": 5}, {"slopes": 1, "curves": (0, 1), "points": 2}
    exact = {"rtol": 1e-13, "atol": 1e-12}

    def case(rows: Tensor, order: Tensor, **options: Any) -> Case:
        return Case(lambda: ops.segment_moments(rows, OFFSETS, order, **options), **exact)

    yield "sums", case(values, turns)
    yield "of single precision", case(values.float(), turns, **few)
    yield "slopes and curves", case(values, turns, **few, coverage=1)
    yield "of one column", case(values[:, :1], turns, **one, expected=masks["expected"])
    yield "of valid rows", case(invalid, turns, **few, **masks, coverage=2)
    yield "over time stamps", case(values, positions, slopes=5, present=masks["present"])
    yield "over time stamps that differ", case(values, apart, slopes=4, valid=masks["valid"])
    yield "slopes of large values", case(values + 2**40, turns, slopes=5)
    yield "over numbers", case(values, turns, **few, over=surrounded(over), valid=masks["valid"], coverage=4)
    yield "over numbers of single precision", case(values, turns, **few, over=over.float())
    yield "without valid rows", case(values, turns, **few, valid=torch.zeros(ROWS, dtype=torch.bool))
    yield "over the largest integers", case(values, 2**63 - 1 - turns, slopes=5)


def cross_arguments(n: int, m: int) -> dict[str, Any]:
    groups = torch.arange(n) % 5, torch.arange(m) % 5
    positive = torch.arange(n) * 7 % m
    positive[3] = -1
    return {"positive": positive, "groups_x": groups[0], "groups_y": groups[1], "scale": 10.0}


def cross_cases() -> Iterator[tuple[str, Case]]:
    x, y = embeddings(19, 21, 1), embeddings(150, 21, 2)
    given = cross_arguments(19, 150)
    yield "all", Case(lambda: ops.cross_stats(x, y, k=5, lse=True, **given))
    tiles = described(x), described(y)
    yield "all, by descriptors", Case(lambda: ops.cross_stats(*tiles, k=5, lse=True, **given), tiles=DESCRIPTORS)
    z = surrounded(torch.cat([with_oddities(noise(33, 21, 3)), noise(6, 21, 4)]))
    own = cross_arguments(39, 39)
    yield (
        "odd rows, without themselves",
        Case(lambda: ops.cross_stats(z, z, k=39, lse=True, exclude_self=True, **own), atol=1e-5),
    )
    yield (
        "odd rows, without their group",
        Case(lambda: ops.cross_stats(z, z, k=4, lse=True, exclude_same_group=True, **own), atol=1e-5),
    )
    sizes = of_all_sizes(noise(19, 21, 1)), of_all_sizes(noise(39, 21, 2))
    outside = torch.tensor([38, 39, -1, -5, 2**40] + [3] * 14)
    yield "of all sizes", Case(lambda: ops.cross_stats(*sizes, k=3, lse=True))
    few = surrounded(y[:20])
    wide = of_all_sizes(noise(9, 150))
    yield "of all sizes in steps of 64", Case(lambda: ops.cross_stats(wide, wide, k=2), step=64)
    yield "of all sizes in steps of 128", Case(lambda: ops.cross_stats(wide, wide, k=2), step=128)
    groups = {"groups_x": torch.arange(19) % 3, "groups_y": torch.arange(20) % 3}
    yield "one of each", Case(lambda: ops.cross_stats(x, few, k=1, bins=1, lse=True, scale=300.0, **groups), atol=3e-4)
    yield "a short row of x", Case(lambda: ops.cross_stats(with_one_short_row(x), few, k=3, positive=torch.arange(19)))
    yield "a short row of y", Case(lambda: ops.cross_stats(x, with_one_short_row(few), k=3, positive=torch.arange(19)))
    yield (
        "positives out of range",
        Case(
            lambda: ops.cross_stats(*sizes, positive=outside)[2:5],
            lambda: ops.cross_stats(*sizes, positive=outside.where((outside >= 0) & (outside < 39), -1))[2:5],
        ),
    )
    one = torch.zeros(39, dtype=torch.long)
    yield (
        "nobody left",
        Case(
            lambda: ops.cross_stats(
                x, y, k=2, lse=True, exclude_same_group=True, groups_x=one[:19], groups_y=one[0].repeat(150)
            )
        ),
    )
    equal = surrounded(noise(6, 24, 3).repeat(25, 1))
    yield "ties", Case(lambda: ops.cross_stats(equal[:6], equal, k=9, positive=torch.arange(6)))
    right = torch.eye(4).repeat(9, 1), torch.cat([torch.eye(4), -torch.eye(4), torch.full((1, 4), NAN)]).repeat(4, 1)
    for bins in (5, 8):
        yield (
            f"{bins} bins",
            Case(
                lambda bins=bins: ops.cross_stats(
                    *right, bins=bins, groups_x=torch.arange(36) % 3, groups_y=torch.arange(36) % 3, exclude_self=True
                )
            ),
        )
    tie_x = torch.tensor([[1.0, 0, 0]]).repeat(2, 1)
    tie_y = torch.tensor([[0, 1.0, 0], [1e-6, 1.0, 0], [-1e-6, 1.0, 0], [1.1e-6, 0, 1.0]])
    yield (
        "at the edge of a tie",
        Case(
            lambda: ops.cross_stats(tie_x, tie_y, positive=torch.tensor([0, 0]))[3:5],
            lambda: (torch.tensor([1, 1]), torch.tensor([2, 2])),  # on a CPU cosines are rounded to 2**-24
        ),
    )


def rbf_cases() -> Iterator[tuple[str, Case]]:
    exact = {"rtol": 3e-7, "atol": 0}
    x, y = (surrounded(torch.nn.functional.normalize(noise(n, 21, n), dim=1)) for n in (37, 150))
    for sigma in (0.3, 1.0, 1.95, 10.0, 300.0):  # exponents around -11, -1, -0.26, -0.01 and -1e-5
        yield f"sigma {sigma}", Case(lambda s=sigma: ops.rbf_sum(x, y, sigma=s), **exact)
        yield f"own, sigma {sigma}", Case(lambda s=sigma: ops.rbf_sum(x, sigma=s), **exact)
    for m, n in ((16, 32), (32, 16)):
        tile = {"BLOCK_M": m, "BLOCK_N": n, "BLOCK_K": 16}
        yield f"own, tiles of {m} x {n}", Case(lambda: ops.rbf_sum(y, sigma=1.0), **exact, tiles=tile)
    tiles = described(x), described(y)
    yield "by descriptors", Case(lambda: ops.rbf_sum(*tiles, sigma=1.0), **exact, tiles=DESCRIPTORS)
    yield "own, by descriptors", Case(lambda: ops.rbf_sum(tiles[1], sigma=1.0), **exact, tiles=DESCRIPTORS)
    one = torch.ones(1, 1)
    sigma = (0.5 / 0.2499) ** 0.5
    yield "where the series ends", Case(lambda: ops.rbf_sum(0 * one, one, sigma=sigma), rtol=1e-7, atol=0)
    yield "rows that are equal", Case(lambda: ops.rbf_sum(x, x.clone(), sigma=0.1), **exact)
    for bad in (NAN, INF):
        z = x.clone()
        z[20, 3] = bad
        yield f"{bad} in a row", Case(lambda z=z: (ops.rbf_sum(z, sigma=1.0), ops.rbf_sum(y, z, sigma=1.0)))
    yield "one row", Case(lambda: ops.rbf_sum(torch.tensor([[1.0, NAN]]), sigma=1.0))


def preprocess_cases() -> Iterator[tuple[str, Case]]:
    images = torch.randint(0, 256, (2, 3, 21, 19), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    for name, resize, crop, size in (
        ("smaller", (9, 13), (0, 0), (9, 13)),
        ("cropped", (12, 16), (1, 3), (10, 11)),
        ("larger", (30, 40), (3, 0), (6, 9)),
        ("as they are", (21, 19), (2, 1), (13, 9)),
    ):
        for layout in ("nchw", "nhwc"):
            yield f"{name}, {layout}", _images(images, layout, resize, crop, size)


def _images(images: Tensor, layout: Any, resize: Any, crop: Any, size: Any) -> Case:
    given = images if layout == "nchw" else images.permute(0, 2, 3, 1).contiguous()
    shown = [0.48, 0.45, 0.4], [0.26, 0.25, 0.27]
    return Case(
        lambda: ops.preprocess(given, size, *shown, resize=resize, crop=crop, layout=layout),
        lambda: in_two_passes(images, size, *shown, resize, crop),
    )


def in_two_passes(images: Tensor, size: Any, mean: list[float], std: list[float], resize: Any, crop: Any) -> Tensor:
    """Resize rows to levels and columns to levels, by the same weights in float64."""
    weights_y, weights_x = (
        kernels("preprocess")._cropped(source, target, begin, length, "bicubic")
        for source, target, begin, length in zip(images.shape[2:], resize, crop, size)
    )
    levels = (images.double() @ weights_x.mT + 0.5).floor().clamp(0, 255)
    levels = (weights_y @ levels + 0.5).floor().clamp(0, 255)
    return (levels / 255 - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]


CASES: dict[str, Callable[[], Iterator[tuple[str, Case]]]] = {
    "paired": paired_cases,
    "paired_backward": paired_backward_cases,
    "segment_blocks": segment_blocks_cases,
    "gram": gram_cases,
    "gram_backward": gram_backward_cases,
    "cosine_sum": cosine_sum_cases,
    "curve": curve_cases,
    "rank": rank_cases,
    "segments": segments_cases,
    "moments": moments_cases,
    "cross": cross_cases,
    "rbf": rbf_cases,
    "preprocess": preprocess_cases,
}
