# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Which implementation runs where. Nothing here looks at a device before the first call."""

from __future__ import annotations

import functools
import importlib.util
import os
import re

import torch

# bf16 arithmetic, asynchronous copies and TF32 begin here; older devices run plain PyTorch.
MIN_CAPABILITY = (8, 0)

# Loops can be kept from moving what a rare branch needs out of it, which would spill registers in all others.
MIN_TRITON = (3, 5)


def choose_backend(device: torch.device) -> str:
    """Return ``"triton"`` or ``"torch"``: what computes on ``device``.

    Triton 3.5 or newer, where it is installed, runs on CUDA devices of capability 8.0 or newer; everything else runs in
    plain PyTorch. The environment variable ``IMUG_BACKEND`` forces either one; ``triton`` on a CPU needs Triton's
    interpreter (``TRITON_INTERPRET=1``), which is how the kernels are tested without a GPU.

    Args:
        device: Where the tensors lie.

    Raises:
        ValueError: If ``IMUG_BACKEND`` holds anything else, or asks for Triton where it cannot run.
    """
    forced = os.environ.get("IMUG_BACKEND", "")
    if forced not in ("", "torch", "triton"):
        raise ValueError(f"Expected environment variable IMUG_BACKEND to be `torch` or `triton`, got `{forced}`.")
    if forced == "torch":
        return "torch"
    if _runs_triton(device):
        return "triton"
    if forced == "triton":
        raise ValueError(
            f"Expected environment variable IMUG_BACKEND not to be `triton` on {device}: Triton is not installed "
            "or older than 3.5, or the device is neither CUDA of capability 8.0 nor a CPU with TRITON_INTERPRET=1."
        )
    return "torch"


def _runs_triton(device: torch.device) -> bool:
    if device.type == "cpu":
        interpreted = os.environ.get("IMUG_BACKEND") == "triton" and os.environ.get("TRITON_INTERPRET") == "1"
        return interpreted and _has_triton()
    # Importing Triton proves nothing: it imports on machines without a driver.
    runs = device.type == "cuda" and torch.cuda.is_available() and _capability(device.index or 0) >= MIN_CAPABILITY
    return runs and _has_triton()


@functools.cache
def _has_triton() -> bool:
    if importlib.util.find_spec("triton") is None:
        return False
    import triton  # here, so that a CPU never waits for it

    return tuple(int(part) for part in re.findall(r"\d+", triton.__version__)[:2]) >= MIN_TRITON


@functools.cache
def _capability(index: int) -> tuple[int, int]:
    return torch.cuda.get_device_capability(index)
