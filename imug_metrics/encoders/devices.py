# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Which devices there are, said before a model is loaded for one that is not."""

from __future__ import annotations

import torch

from imug_metrics.errors import ArgumentError
from imug_metrics.reading.fields import meant

_KNOWN = ("cpu", "cuda", "mps", "meta")  # a meta device holds no values
_OTHER_NAMES = {"gpu": "cuda", "nvidia": "cuda", "metal": "mps"}


def check_device(device: torch.device | str | int | None) -> None:
    """Raise unless a model can run on a device of this name here.

    Args:
        device: as torch takes it; None: the one where the model is.

    Raises:
        ArgumentError: it says what is wrong with the name, or which devices there are.

    Example:
        >>> check_device("cpu")
        >>> check_device("cdua")
        Traceback (most recent call last):
        ...
        imug_metrics.errors.ArgumentError: Argument `device`: expected one of cpu, got 'cdua'; did you mean `cuda`?
    """
    if device is None:
        return
    there = devices()
    expected = f"expected one of {', '.join(there)}, got {str(device)!r}"
    try:
        asked = torch.device(device)
    except (RuntimeError, TypeError, ValueError) as error:
        name = str(device).partition(":")[0].strip().lower()
        hint = meant(_OTHER_NAMES.get(name, name), ("cpu", "cuda", "mps"))
        raise ArgumentError("device", expected + hint) from error
    numbered = asked.index is not None and asked.type != "cpu"
    listed = (str(asked) if numbered else asked.type) in {*there, *(name.partition(":")[0] for name in there)}
    if not listed and (asked.type in _KNOWN or not _works(asked)):
        raise ArgumentError("device", expected + _why_absent(asked))


def devices() -> list[str]:
    """Names of the devices that there are, the CPU first."""
    found = ["cpu"]
    if torch.cuda.is_available():
        found += [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        found += ["mps", "mps:0"]
    return found


def _works(device: torch.device) -> bool:
    """Whether a device of a kind that is not listed, such as one of a plug-in, holds a tensor."""
    try:
        torch.empty(1, device=device)
    except Exception:  # each kind has errors of its own
        return False
    return True


def _why_absent(asked: torch.device) -> str:
    if asked.type != "cuda" or torch.cuda.is_available():
        return ""
    if torch.version.cuda is None and torch.version.hip is None:
        return f": PyTorch {torch.__version__} is built without CUDA"
    return ": PyTorch finds no CUDA device; is one visible, and does its driver fit?"
