# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The weights on disk: half precision, safetensors, with the vocabulary in their metadata."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from imug_metrics.encoders.scene.model import SceneModel

SHIPPED = Path(__file__).with_name("weights.safetensors")


def save_weights(model: SceneModel, path: Path, vocabulary: tuple[str, ...]) -> None:
    """Write a model in half precision.

    Args:
        model: The model.
        path: File to write.
        vocabulary: Words in the order of their numbers.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_weights(SceneModel(4), Path(folder) / "w.safetensors", ("<pad>", "<unk>", "<start>", "a"))
        ...     model, words = load_weights(Path(folder) / "w.safetensors")
        >>> words[-1]
        'a'
    """
    halves = {
        name: value.detach().to(torch.float16 if value.is_floating_point() else value.dtype).contiguous()
        for name, value in model.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    save_file(halves, path, metadata={"vocabulary": json.dumps(vocabulary)})


def load_weights(path: Path = SHIPPED) -> tuple[SceneModel, tuple[str, ...]]:
    """Read a model that ``save_weights`` wrote.

    Args:
        path: The file.

    Returns:
        The model in float32 and evaluation mode, and its vocabulary.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file holds no vocabulary, or the weights of another model.

    Example:
        >>> load_weights(Path("nowhere"))  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        FileNotFoundError: ...
    """
    if not path.is_file():
        raise FileNotFoundError(f"Expected the weights of the scene encoder at {path}; there is no such file.")
    with safe_open(path, framework="pt") as stored:
        metadata = stored.metadata() or {}
        tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 (not a mapping)
    if "vocabulary" not in metadata:
        raise ValueError(f"Expected the metadata of {path} to hold a vocabulary, got {sorted(metadata)}.")
    vocabulary = tuple(json.loads(metadata["vocabulary"]))
    model = SceneModel(len(vocabulary))
    tensors = {name: value.float() for name, value in tensors.items()}
    # BatchNorm's step counter is not stored: nothing reads it outside training.
    expected = {name for name in model.state_dict() if not name.endswith("num_batches_tracked")}
    if set(tensors) != expected:
        difference = sorted(set(tensors) ^ expected)
        raise ValueError(
            f"Expected {path} to hold the weights of the scene model; names that differ: {difference[:4]}."
        )
    model.load_state_dict(tensors, strict=False)
    return model.requires_grad_(False).eval(), vocabulary
