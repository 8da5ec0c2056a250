# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How far results and gradients of an operation and of its eager form are from the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from tests.kernels.comparisons import FUSED
from tests.kernels.eager_forms import FORMS, Batch, Compute, Results, make_batch

CPU = torch.device("cpu")
LAYOUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "contiguous": lambda tensor: tensor,
    "row gaps": lambda tensor: torch.stack([tensor, tensor.flip(0)], 1).flatten(0, 1)[::2],
    "columns": lambda tensor: F.pad(tensor, (3, 2), value=7)[..., 3:-2],
    "transposed": lambda tensor: tensor.mT.contiguous().mT,
}
DTYPES = [torch.float32, torch.float16, torch.bfloat16, torch.float64]
WIDTHS = (1, 3, 33, 255, 507, 768)
if FUSED:  # an interpreted kernel takes its time, and test_strides.py interprets every layout
    LAYOUTS, DTYPES, WIDTHS = {"columns": LAYOUTS["columns"]}, DTYPES[:3], (33,)


def larger_errors(name: str, width: int, dtype: torch.dtype, masked: bool, device: torch.device = CPU) -> Iterator[str]:
    """Yield a line for each result and gradient that is further from the truth than that of the eager form."""
    form, batch = FORMS[name], make_batch(width, dtype, masked)
    truth = results_and_gradients(form.eager, replace(batch, x=batch.x.double(), y=batch.y.double()))
    on_device = batch.map(lambda tensor: tensor.to(device))
    eager = results_and_gradients(form.eager, on_device)
    for layout in LAYOUTS:
        found = results_and_gradients(form.ours, laid_out(on_device, layout))
        assert found.keys() == eager.keys() == truth.keys()
        for part, true in truth.items():
            ours, theirs = error(found[part], true), error(eager[part], true)
            if not ours <= theirs + form.slack:
                yield f"{part} of {name}, width {width}, {layout}: off by {ours:.3g}, the eager form by {theirs:.3g}"


def laid_out(batch: Batch, layout: str) -> Batch:
    change = LAYOUTS[layout]
    return replace(batch, x=change(batch.x), y=change(batch.y), images=change(batch.images))


def results_and_gradients(compute: Compute, batch: Batch) -> Results:
    """What a form computes, and the gradients of its finite results under weights that every dtype holds."""
    leaves = {name: getattr(batch, name).detach().requires_grad_() for name in ("x", "y")}
    results = compute(replace(batch, **leaves))
    parts = [part.masked_fill(~part.isfinite(), 0) for part in results.values() if part.requires_grad]
    found = {name: part.detach() for name, part in results.items()}
    if parts:
        gradients = torch.autograd.grad(parts, list(leaves.values()), list(map(weights, parts)), allow_unused=True)
        found |= {f"gradient of {name}": g for name, g in zip(leaves, gradients, strict=True) if g is not None}
    return found


def weights(part: Tensor) -> Tensor:
    count = torch.arange(part.numel(), device=part.device)
    return ((count % 5 - 2) / 2).to(part.dtype).view_as(part)


def error(found: Tensor, true: Tensor) -> float:
    """Largest difference; infinite where one number is undefined and the other is not."""
    found, true = found.double().cpu(), true.cpu()
    if found.shape != true.shape or not found.isnan().equal(true.isnan()):
        return torch.inf
    same = found.isnan() | (found == true)  # equal infinities are no difference
    return float((found - true).abs().masked_fill(same, 0).max())
