# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The same numbers by loops over pairs in float64, and rows and masks to compute them from."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import torch
from imug_kernels import GramStats
from torch import Tensor

LENGTHS = {
    "mixed": [3, 0, 1, 7, 3, 12, 0, 2, 3],
    "singles": [1, 1, 1],
    "empty": [0, 0],
    "none": [],
    "long": [40],
}


def offsets_of(lengths: list[int]) -> Tensor:
    return torch.tensor([0, *lengths]).cumsum(0)


def has_direction(rows: Tensor) -> Tensor:
    return rows.isfinite().all(1) & (rows != 0).any(1)


def naive_directions(rows: Tensor) -> Tensor:
    """Unit rows in float64, however short or long the rows are; NaN where there is no direction."""
    scaled = rows.double() / rows.double().abs().amax(1, keepdim=True)
    unit: Tensor = scaled / scaled.norm(dim=1, keepdim=True)
    unit[~has_direction(rows)] = torch.nan
    return unit


def naive_matrix(x: Tensor, y: Tensor | None = None) -> Tensor:
    return (naive_directions(x)[:, None] * naive_directions(x if y is None else y)).sum(2)


def extreme(values: list[float], choose: Callable[[list[float]], float]) -> float:
    return math.nan if not values or any(map(math.isnan, values)) else choose(values)


def naive_gram(rows: Tensor, lengths: list[int], valid: Tensor) -> GramStats:
    table, start = [], 0
    valid = valid & has_direction(rows)
    for length in lengths:
        ok = valid[start : start + length].tolist()
        cosine = naive_matrix(rows[start : start + length]).tolist()
        for i in range(length):
            partners = [cosine[i][j] for j in range(length) if j != i and ok[j] and ok[i]]
            before = [cosine[i][j] for j in range(i) if ok[j] and ok[i]]
            previous = cosine[i][i - 1] if i > 0 and ok[i] and ok[i - 1] else math.nan
            anchor = cosine[i][0] if i > 0 and ok[i] and ok[0] else math.nan
            over_all = [sum(partners), len(partners), extreme(partners, min), extreme(partners, max)]
            table.append([*over_all, extreme(before, max), previous, anchor])
        start += length
    return GramStats(*torch.tensor(table, dtype=torch.float64).reshape(-1, 7).unbind(1))


def naive_curve(
    rows: Tensor, lengths: list[int], positions: Tensor, max_delta: int, valid: Tensor
) -> tuple[Tensor, Tensor]:
    sums = torch.zeros(len(lengths), max_delta, dtype=torch.float64)
    counts, start = torch.zeros_like(sums), 0
    valid = valid & has_direction(rows)
    for segment, length in enumerate(lengths):
        cosine = naive_matrix(rows[start : start + length])
        for i in range(length):
            for j in range(i):
                delta = abs(int(positions[start + i]) - int(positions[start + j]))
                if 1 <= delta <= max_delta and valid[start + i] and valid[start + j]:
                    sums[segment, delta - 1] += cosine[i, j]
                    counts[segment, delta - 1] += 1
        start += length
    return sums, counts


def naive_rank(x: Tensor, y: Tensor, lengths: list[int], valid_x: Tensor, valid_y: Tensor) -> Tensor:
    table, start = [], 0
    valid_x = valid_x & has_direction(x)
    for length in lengths:
        cosine = naive_matrix(x[start : start + length], y[start : start + length]).tolist()
        candidates = [j for j in range(length) if valid_y[start + j]]
        for i in range(length):
            if not valid_x[start + i] or not valid_y[start + i]:
                table.append([math.nan, math.nan, 0])
                continue
            ahead = [cosine[i][j] - cosine[i][i] for j in candidates if j != i]
            unknown = math.isnan(cosine[i][i]) or any(map(math.isnan, ahead))
            greater = math.nan if unknown else sum(a > 1e-6 for a in ahead)
            equal = math.nan if unknown else sum(abs(a) <= 1e-6 for a in ahead)
            table.append([greater, equal, len(candidates)])
        start += length
    return torch.tensor(table, dtype=torch.float64).reshape(-1, 3).T


def naive_moments(
    values: Tensor,
    lengths: list[int],
    positions: Tensor,
    *,
    over: Tensor | None = None,
    valid: Tensor | None = None,
    present: Tensor | None = None,
    expected: Tensor | None = None,
    slopes: int = 0,
    curves: tuple[int, int] = (0, 0),
    points: int = 0,
    coverage: int = 0,
) -> Tensor:
    width, table, start = values.shape[1], [], 0
    for length in lengths:
        rows = [r for r in range(start, start + length) if valid is None or valid[r]]
        by_column = [[(r, float(values[r, c])) for r in rows if not values[r, c].isnan()] for c in range(width)]
        sums = [[math.fsum(y for _, y in column), len(column)] for column in by_column]
        about = [naive_about_means(by_column[c], positions if over is None else over[:, c]) for c in range(slopes)]
        scored = {r for r, _ in by_column[coverage]}
        covered = sum(r in scored and (present is None or bool(present[r])) for r in rows)
        due = sum(r in scored or expected is None or bool(expected[r]) for r in rows)
        line = [*(total for total, _ in sums), *(count for _, count in sums)]
        line += [*(xy for xy, _ in about), *(xx for _, xx in about), covered, due]
        for point in range(1, points + 1):
            there = [[y for r, y in by_column[c] if positions[r] == point] for c in range(*curves)]
            line += [*map(math.fsum, there), *map(len, there)]
        table.append(line)
        start += length
    return torch.tensor(table, dtype=torch.float64)


def naive_about_means(column: list[tuple[int, float]], over: Tensor) -> tuple[float, float]:
    """Sums of products and squares about the means, exact: in fractions."""
    pairs = [(Fraction(over[r].item()), Fraction(y)) for r, y in column if over[r] == over[r]]
    if not pairs:
        return 0.0, 0.0
    mean_x, mean_y = (sum(part) / len(pairs) for part in zip(*pairs, strict=True))
    xy = sum((x - mean_x) * (y - mean_y) for x, y in pairs)
    return float(xy), float(sum((x - mean_x) ** 2 for x, _ in pairs))


def noise(count: int, width: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed)).to(dtype)


def random_rows(count: int, width: int, seed: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Rows with a zero row, a duplicate and a NaN row among them."""
    rows = noise(count, width, seed)
    if count >= 12:
        rows[2], rows[5], rows[9, 0] = 0.0, rows[6], torch.nan
    return rows.to(dtype)


def random_valid(count: int, seed: int) -> Tensor:
    return torch.rand(count, generator=torch.Generator().manual_seed(seed)) > 0.3


def naive_cosine(a: Tensor, b: Tensor) -> float:
    left, right = a.tolist(), b.tolist()
    if not all(math.isfinite(v) for v in left + right) or not any(left) or not any(right):
        return math.nan
    left, right = ([v / max(map(abs, side)) for v in side] for side in (left, right))
    return math.fsum(p * q for p, q in zip(left, right, strict=True)) / (math.hypot(*left) * math.hypot(*right))


def naive_paired(x: Tensor, y: Tensor) -> Tensor:
    return torch.tensor([naive_cosine(a, b) for a, b in zip(x, y, strict=True)], dtype=torch.float64)
