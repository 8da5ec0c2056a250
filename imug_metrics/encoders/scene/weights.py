# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The weights on disk: safetensors, rounded or in half precision, with the vocabulary in their metadata."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from imug_metrics.encoders.scene.model import SceneModel
from imug_metrics.encoders.scene.rounding import Rounded, round_weight

SHIPPED = Path(__file__).with_name("weights.safetensors")
_CODES, _SCALES = ".codes", ".scales"


def save_weights(model: SceneModel, path: Path, vocabulary: tuple[str, ...], levels: int | None = None) -> None:
    """Write a model.

    Args:
        model: The model.
        path: File to write.
        vocabulary: Words in the order of their numbers.
        levels: Round matrices and convolutions to whole numbers from ``-levels`` to ``levels`` times a scale a row;
            vectors, and everything where it is None, are in half precision.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "weights.safetensors"
        ...     save_weights(SceneModel(4), path, ("<pad>", "<unk>", "<start>", "a"), levels=5)
        ...     model, words = load_weights(path)
        >>> words[-1]
        'a'
    """
    stored: dict[str, Tensor] = {}
    for name, value in _stored(model).items():
        if levels is None or value.dim() < 2:
            stored[name] = value.half().contiguous()
        else:
            rounded = round_weight(value, levels)
            stored |= {name + _CODES: rounded.deflated(), name + _SCALES: rounded.scales}
    save_file(stored, path, metadata={"vocabulary": json.dumps(vocabulary)})


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
    expected = _stored(model)
    names = {name.removesuffix(_CODES).removesuffix(_SCALES) for name in tensors}
    if names != set(expected):
        raise ValueError(
            f"Expected {path} to hold the weights of the scene model; "
            f"names that differ: {sorted(names ^ set(expected))[:4]}."
        )
    model.load_state_dict({name: _read(tensors, name, like.shape) for name, like in expected.items()}, strict=False)
    return model.requires_grad_(False).eval(), vocabulary


def _stored(model: SceneModel) -> dict[str, Tensor]:
    """The state without BatchNorm's step counters: nothing reads them outside training."""
    state = model.state_dict().items()
    return {name: value.detach() for name, value in state if not name.endswith("num_batches_tracked")}


def _read(tensors: dict[str, Tensor], name: str, shape: torch.Size) -> Tensor:
    if name in tensors:
        return tensors[name].float()
    return Rounded.inflated(tensors[name + _CODES], tensors[name + _SCALES], shape).weight()
