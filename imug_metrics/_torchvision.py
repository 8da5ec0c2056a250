# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Let a CUDA-built torchvision be imported with a CPU-only torch.

This module imports nothing of the package and never torchvision itself: it has to run before anything does.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import torch

_library: torch.library.Library | None = None  # the schemas below live only as long as this object


def define_missing_torchvision_ops() -> bool:
    """Declare the two operators whose absence makes ``import torchvision`` fail; do nothing anywhere else.

    The package registry serves torchvision built for CUDA. With a CPU-only torch its compiled part cannot load, and
    ``import torchvision`` then stops at "operator torchvision::nms does not exist", because it attaches shape functions
    to ``nms`` and ``qnms`` whether or not they exist. torchmetrics and transformers import torchvision whenever it is
    installed, so they stop as well. With the two schemas declared all three import, and everything of torchvision that
    is written in Python works; calling a compiled operator still raises.

    Returns:
        ``True`` if the schemas were declared by this call.

    Example:
        >>> _ = define_missing_torchvision_ops()
        >>> define_missing_torchvision_ops()  # nothing is left to do
        False
    """
    global _library
    if _library is not None or "torchvision" in sys.modules or torch.version.cuda or torch.version.hip:
        return False
    if not _torchvision_is_built_for_gpu() or hasattr(torch.ops.torchvision, "nms"):
        return False
    _library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]  # not typed in torch
    for operator in ("nms", "qnms"):
        schema = f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        _library.define(schema)  # type: ignore[no-untyped-call]  # not typed in torch
    return True


def _torchvision_is_built_for_gpu() -> bool:
    # Read as text: the installed metadata may lack the "+cu130" suffix that version.py carries.
    spec = importlib.util.find_spec("torchvision")
    for folder in (spec and spec.submodule_search_locations) or ():
        version = Path(folder) / "version.py"
        if version.is_file():
            text = version.read_text(encoding="utf-8")
            return "+cu" in text or "+rocm" in text
    return False
