# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Every operation against float64 over dtypes, widths, strides, masks and lengths, and twice: are the bits the same?"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from functools import partial
from itertools import product
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from ..machine import DEVICE, clock_seconds, draw, draw_integers
from ..operations import OPERATIONS, Batch, Result, float64_results
from ..registry import Job, Record, Setup, name_of

WIDTH = 768
WIDTHS = (WIDTH, 1, 7, 64, 770, 1000, 4096)
DTYPES = (torch.float32, torch.bfloat16, torch.float16, torch.float64)
DISTANCES = ("rbf_sum",)  # squares of huge rows have no place in float32; cosines do without them
LENGTHS = {
    "ragged": [3, 0, 1, 7, 12, 64, 65, 200, 2],
    "many": [3, 0, 1, 7, 12, 20, 5, 40, 2] * 40,
    "singles": [1] * 40,
    "none": [],
    "few": [3, 0, 1, 5, 2],
}


class Variant(NamedTuple):
    """How the numbers of one check lie in memory and what they hold."""

    lengths: str = "ragged"
    layout: str = "contiguous"
    rows: str = "plain"
    masked: bool = False


PLAIN = (Variant(), Variant(masked=True))
THOROUGH = (
    *PLAIN,
    *(Variant(layout=layout, masked=masked) for layout, masked in product(("gaps", "transposed"), (False, True))),
    *(Variant(rows=rows, masked=masked) for rows, masked in product(("hostile", "huge", "tiny"), (False, True))),
    *(Variant(lengths=lengths) for lengths in ("many", "singles", "none")),
)
QUICK = {torch.float32: (Variant("few"),), torch.bfloat16: (Variant("few", "gaps", "hostile", True),)}


def correctness(setup: Setup) -> Iterator[Job]:
    """The common width first, in every layout; then the others, as far as time allows."""
    widths, dtypes = ((5,), DTYPES[:2]) if setup.quick else (WIDTHS, DTYPES)
    for width, dtype, name in product(widths, dtypes, OPERATIONS):
        variants = QUICK[dtype] if setup.quick else THOROUGH if width == WIDTH else PLAIN
        if name in DISTANCES:
            variants = tuple(variant for variant in variants if variant.rows != "huge")
        yield Job(f"{name} {name_of(dtype)} width {width}", partial(check, name, dtype, width, variants))


def check(name: str, dtype: torch.dtype, width: int, variants: tuple[Variant, ...]) -> Iterator[Record]:
    """One record a variant; a call that raises is a failed check, unless the device is lost with it."""
    for variant in variants:
        record = {"kind": "check", "operation": name, "dtype": name_of(dtype), "width": width, **variant._asdict()}
        try:
            yield {**record, **_compare(name, make_batch(variant, width, dtype))}
        except Exception as error:
            clock_seconds(lambda: None)  # raises again if nothing more can be computed in this process
            said = traceback.format_exception_only(error)[-1].strip()
            yield {**record, "passed": False, "same_bits": None, "error": None, "worst": said}


def _compare(name: str, batch: Batch) -> Record:
    """The largest error over its tolerance decides; what it is of is named."""
    found, again = (OPERATIONS[name](batch) for _ in range(2))
    wanted = float64_results(name, batch)
    errors = {part: _error(result, wanted[part].values) for part, result in found.items()}
    worst = max(errors, key=lambda part: errors[part] / max(_allowed(found[part]), 1e-300))
    return {
        "passed": all(errors[part] <= _allowed(result) for part, result in found.items()),
        "same_bits": all(_bits(found[part].values).equal(_bits(again[part].values)) for part in found),
        "error": errors[worst],
        "worst": f"{worst}, at most {_allowed(found[worst]):g}",
    }


def _allowed(result: Result) -> float:
    return result.at_most or result.tolerance


def _error(result: Result, wanted: Tensor) -> float:
    """Largest difference, or the share of numbers that differ; infinite where shapes or undefined numbers do."""
    values, wanted = result.values.double(), wanted.double()
    if values.shape != wanted.shape or not values.isnan().equal(wanted.isnan()):
        return torch.inf
    if not values.numel():
        return 0.0
    alike = values.isnan() | (values == wanted)  # equal infinities are no difference
    beyond = ((values - wanted).abs() / wanted.abs().clamp_min(1)).masked_fill(alike, 0)
    return float((beyond > result.tolerance).double().mean() if result.at_most else beyond.max())


def _bits(values: Tensor) -> Tensor:
    return values.contiguous().view(-1).view(torch.uint8)


def make_batch(variant: Variant, width: int, dtype: torch.dtype) -> Batch:
    """A batch on the device; rows that a mask excludes hold NaN."""
    lengths = torch.tensor(LENGTHS[variant.lengths], dtype=torch.int64, device=DEVICE)
    rows = int(lengths.sum())
    valid = draw_integers(0, 10, rows, seed=2) > 2 if variant.masked else None
    x, y = (_rows(rows, width, dtype, variant.rows, seed) for seed in range(2))
    if valid is not None:
        x = torch.where(valid[:, None], x, torch.nan)
    small = (1, 3, 5, 8) if rows < 20 else (4, 3, 77, 130)
    batch = Batch(
        x=x,
        y=y,
        offsets=F.pad(lengths.cumsum(0), (1, 0)),
        positions=draw_integers(1, 9, rows, seed=3),
        index=draw_integers(-1, max(rows, 1), rows, seed=4),
        groups=draw_integers(0, 4, rows, seed=5),
        images=draw_integers(0, 256, small[0] * small[1] * small[2] * small[3], seed=6).to(torch.uint8).view(small),
        valid=valid,
    )
    return batch.map(LAYOUTS[variant.layout])


def _rows(rows: int, width: int, dtype: torch.dtype, content: str, seed: int) -> Tensor:
    drawn = draw(rows, width, seed=seed)
    if content == "hostile" and rows > 10:
        drawn[1], drawn[4], drawn[7, 0], drawn[9, -1] = 0.0, drawn[3], torch.nan, torch.inf
    ends = {"huge": 1e3 if dtype == torch.float16 else 1e30, "tiny": 1e-6 if dtype == torch.float16 else 1e-30}
    return (drawn * ends.get(content, 1.0)).to(dtype)


def _gaps(tensor: Tensor) -> Tensor:
    """The same numbers with others between them: each row ends before the next begins, columns have every second."""
    shape, keep = (*tensor.shape[:-1], 2 * tensor.shape[-1]), slice(None, None, 2)
    if tensor.ndim > 1:
        shape, keep = (*tensor.shape[:-1], tensor.shape[-1] + 3), slice(tensor.shape[-1])
    wide = torch.full(shape, torch.nan if tensor.is_floating_point() else 1, dtype=tensor.dtype, device=tensor.device)
    wide[..., keep] = tensor
    return wide[..., keep]


def _transposed(tensor: Tensor) -> Tensor:
    """The same numbers column by column; channels last for images."""
    if tensor.ndim == 1:
        return torch.stack([tensor, tensor, tensor], 1)[:, 1]
    if tensor.ndim == 2:
        return tensor.T.contiguous().T
    return tensor.contiguous(memory_format=torch.channels_last)


LAYOUTS = {"contiguous": lambda tensor: tensor, "gaps": _gaps, "transposed": _transposed}
