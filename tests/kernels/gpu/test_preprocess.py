# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The compiled kernel of `preprocess` on a device."""

from __future__ import annotations

from typing import Literal

import pytest
import torch
from imug_kernels import preprocess

from tests.kernels.gpu.on_device import on_both

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_pixels_are_within_a_level(layout: Literal["nchw", "nhwc"]) -> None:
    images = torch.randint(0, 256, (4, 3, 480, 640), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    images = images.permute(0, 2, 3, 1).contiguous() if layout == "nhwc" else images
    identity = [0.0] * 3, [1 / 255] * 3
    ((found,), (expected,)) = on_both(lambda i: preprocess(i, (224, 224), *identity, layout=layout), images)
    assert (found - expected).abs().max() <= 1.001
    assert ((found - expected).abs() > 0.5).double().mean() < 0.02
