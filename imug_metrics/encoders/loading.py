# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""From a short specification to an encoder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import nn
from typing_extensions import Unpack

from imug_metrics.encoders.base import EncoderOptions
from imug_metrics.encoders.cache import CachedEncoder
from imug_metrics.encoders.callable import CallableEncoder
from imug_metrics.encoders.devices import check_device
from imug_metrics.encoders.downloads import brief_downloads, why_not_downloaded
from imug_metrics.encoders.faces.detections import FaceModel
from imug_metrics.encoders.faces.encoder import FaceEncoder
from imug_metrics.encoders.faces.facenet import load_facenet
from imug_metrics.encoders.faces.insightface import load_insightface
from imug_metrics.encoders.lpips import TRUNKS, LpipsEncoder
from imug_metrics.encoders.openclip import OpenClipEncoder
from imug_metrics.encoders.protocol import Encoder
from imug_metrics.encoders.sources import (
    HUB,
    LOCAL,
    check_facenet,
    check_insightface,
    check_open_clip,
    check_timm,
    check_transformers,
)
from imug_metrics.encoders.style.named import check_gram
from imug_metrics.encoders.timm import TimmEncoder
from imug_metrics.encoders.transformers import TransformersEncoder
from imug_metrics.errors import ArgumentError
from imug_metrics.reading.fields import nearest

FAMILIES = ("open_clip", "hf", "timm", "lpips", "gram", "insightface", "facenet")
_FORMS = (
    "scene, open_clip:MODEL:TAG-OR-FILE, hf:FOLDER-OR-NAME, timm:MODEL[:FILE], lpips:TRUNK, gram:MAPS,"
    " insightface:PACK-OR-FOLDER or facenet:WEIGHTS"
)
_OF_FACES: dict[str, tuple[Callable[[str], str], Callable[..., FaceModel]]] = {
    "insightface": (check_insightface, load_insightface),
    "facenet": (check_facenet, load_facenet),
}
_ALIASES = {"openclip": "open_clip", "clip": "open_clip", "huggingface": "hf", "transformers": "hf", "hub": "hf"}
_INSTEAD = {
    "open_clip": "Fetch it elsewhere and name what lies here: open_clip:MODEL:/path/to/weights, or a folder with "
    "open_clip_config.json and weights: open_clip:local-dir:/path",
    "hf": "Fetch it elsewhere and name its folder, with config.json and weights: hf:/path/to/folder",
    "timm": "Fetch it elsewhere and name the file: timm:MODEL:/path/to/weights",
    "gram": "Fetch it elsewhere and name the file: gram:vgg19:/path/to/weights, gram:timm:MODEL:/path/to/weights",
    "lpips": "Fetch the weights of the trunk elsewhere, and put them into checkpoints/ below `torch.hub.get_dir()`",
}
_LONGEST = 300


def load_encoder(spec: str, device: torch.device | str | None = None, **options: Unpack[EncoderOptions]) -> Encoder:
    """Load an encoder named by a string.

    What can be known to be wrong is said before anything is loaded or downloaded.

    Args:
        spec: ``"scene"`` (the embedded one, for rendered scenes), ``"open_clip:ViT-B-32:laion2b_s34b_b79k"`` (tag or
            weights file), ``"open_clip:local-dir:/path"``, ``"hf:/path/or/name"``, ``"timm:name"``,
            ``"timm:name:weights-file"``, ``"lpips:alex"``, ``"insightface:buffalo_l"`` (pack or folder),
            ``"facenet:vggface2"`` (name or file of weights), or of style ``"gram:filters"``, ``"gram:vgg19"``,
            ``"gram:vgg19:weights-file"``, ``"gram:timm:name"`` or ``"gram:timm:name:weights-file"``.
        device: Where to run, the CPU by default.
        options: Those of `ModelEncoder`, such as ``batch_size`` and ``dtype``; of faces ``batch_size`` and
            ``max_pixels`` alone.

    Returns:
        The encoder.

    Raises:
        ArgumentError: If ``spec`` has none of these forms, names what there is not, cannot be downloaded or does not
            load; or if there is no such ``device``.
        ModuleNotFoundError: If the library it needs is not installed.

    Example:
        >>> load_encoder("openclip:ViT-B-32:openai")
        Traceback (most recent call last):
        ...
        imug_metrics.errors.ArgumentError: Argument `spec`: expected scene, open_clip:MODEL:TAG-OR-FILE,
        hf:FOLDER-OR-NAME, timm:MODEL[:FILE], lpips:TRUNK, gram:MAPS, insightface:PACK-OR-FOLDER or facenet:WEIGHTS,
        got 'openclip:ViT-B-32:openai'; did you mean open_clip:...?
    """
    check_device(device)
    family, rest = _split(spec)
    if family == "scene":
        from imug_metrics.encoders.scene.encoder import SceneEncoder

        return SceneEncoder(device=device, **options)
    make = _prepared(family, rest)
    try:
        with brief_downloads() if _may_download(family, rest) else nullcontext():
            return make(device=device, **options)
    except ModuleNotFoundError:
        raise
    except torch.cuda.OutOfMemoryError as error:
        raise ArgumentError("device", f"{spec} does not fit into the memory of {device}") from error
    except Exception as error:  # model libraries raise nearly anything
        if str(error).startswith("Expected argument"):  # of the options, which have names of their own
            raise
        raise ArgumentError("spec", _why_not_loaded(spec, family, error)) from error


def _split(spec: str) -> tuple[str, str]:
    """Family and the rest of a specification."""
    family, _, rest = spec.partition(":") if isinstance(spec, str) else ("", "", "")
    if spec == "scene" or (family in FAMILIES and rest and (family != "lpips" or rest in TRUNKS)):
        return family, rest
    if family == "lpips":
        near = nearest(rest, TRUNKS)
        hint = "" if near is None else f"; did you mean lpips:{near}?"
        raise ArgumentError("spec", f"expected lpips:TRUNK with one of {', '.join(TRUNKS)}, got {spec!r}{hint}")
    raise ArgumentError("spec", f"expected {_FORMS}, got {spec!r}{_meant(spec, family, rest)}")


def _meant(spec: Any, family: str, rest: str) -> str:
    """What a specification of no known form seems to mean."""
    if not isinstance(spec, str):
        return ""
    if os.path.isdir(os.path.expanduser(spec)):
        form = "open_clip:local-dir:" if os.path.isfile(os.path.join(spec, "open_clip_config.json")) else "hf:"
        return f"; did you mean {form}{spec}?"
    near = nearest(_ALIASES.get(family.lower(), family), ("scene", *FAMILIES))
    if near is not None:
        return f"; did you mean {near}{':...' if near != 'scene' else ''}?"
    return f"; did you mean hf:{spec}?" if spec.count("/") == 1 and not rest else ""


def _prepared(family: str, rest: str) -> Callable[..., Encoder]:
    """What makes the encoder, its names and files checked."""
    if family == "hf":
        return partial(TransformersEncoder, check_transformers(rest))
    if family == "lpips":
        return partial(LpipsEncoder, rest)
    if family == "gram":
        return check_gram(rest)
    if family in _OF_FACES:
        check, load = _OF_FACES[family]
        return partial(_load_faces, load, check(rest))
    # open_clip and timm have prefixes of their own, which hold the weights as well.
    name, _, weights = (rest, "", "") if rest.startswith((*HUB, LOCAL)) else rest.partition(":")
    if family == "open_clip":
        name, weights = check_open_clip(name, weights)
        return partial(OpenClipEncoder, name, weights or None)
    name, weights = check_timm(name, weights)
    return partial(TimmEncoder, name, weights or None)


def _load_faces(
    load: Callable[..., FaceModel], source: str, *, device: torch.device | str | None = None, **options: Any
) -> FaceEncoder:
    unknown = sorted(options.keys() - {"batch_size", "max_pixels"})
    if unknown:
        raise ValueError(f"Expected argument `{unknown[0]}` to be batch_size or max_pixels, of an encoder of faces.")
    return FaceEncoder(load(source, device), **options)


def _may_download(family: str, rest: str) -> bool:
    is_here = family in _OF_FACES or (family, rest) == ("gram", "filters")
    return not (is_here or (family == "hf" and os.path.isdir(os.path.expanduser(rest))))


def _why_not_loaded(spec: str, family: str, error: Exception) -> str:
    why = why_not_downloaded(error)
    if why is not None:
        return f"{spec} could not be downloaded: {why}. {_INSTEAD[family]}"
    first = " ".join(str(error).split()) or type(error).__name__
    return f"{spec} does not load: {first[:_LONGEST]}{'...' if len(first) > _LONGEST else ''}"


@contextmanager
def spec_named(argument: str) -> Iterator[None]:
    """Errors about a specification name the argument that it came from.

    Args:
        argument: its name.
    """
    try:
        yield
    except ArgumentError as error:
        names = tuple(argument if name == "spec" else name for name in error.arguments)
        raise ArgumentError(names, error.message) from error


def as_encoder(encoder: Encoder | str | os.PathLike[str] | Any) -> Encoder:
    """Accept an encoder however the caller has it.

    Args:
        encoder: An encoder (returned as it is), a specification for `load_encoder`, a folder of transformers as a path
            object, or a function or ``torch.nn.Module`` from images to embeddings.

    Returns:
        The encoder.

    Raises:
        TypeError: If it is none of these, or a transformers model without its processor.
        ArgumentError: If a string is not as `load_encoder` expects it.

    Example:
        >>> import torch
        >>> as_encoder(lambda images: images.float().mean((2, 3))).encode_images(torch.ones(2, 3, 4, 4))
        tensor([[1., 1., 1.],
                [1., 1., 1.]])
    """
    if isinstance(encoder, (str, os.PathLike)):
        spec = encoder if isinstance(encoder, str) else f"hf:{os.fspath(encoder)}"
        with spec_named("encoder"):
            return load_encoder(spec)
    if isinstance(encoder, nn.Module) and (hasattr(encoder, "encode_image") or hasattr(encoder, "config")):
        raise TypeError(
            f"Expected argument `encoder` to bring its preprocessing, got a bare {type(encoder).__name__}. Wrap it in"
            " OpenClipEncoder or TransformersEncoder."
        )
    # Not isinstance(encoder, Encoder): before Python 3.12 that would compute the fingerprint of all weights.
    if hasattr(encoder, "encode_images") and hasattr(encoder, "encode_texts"):
        return encoder
    if callable(encoder):
        return CallableEncoder(images=encoder)
    raise TypeError(
        f"Expected argument `encoder` to be an encoder, a function or a string ({_FORMS}), got"
        f" {type(encoder).__name__}."
    )


def as_cached_encoder(encoder: Any, device: torch.device | str | None = None) -> CachedEncoder | None:
    """The encoder in a cache, unless it is one; a name is loaded, and None stays None.

    Args:
        encoder: an encoder, a function from images to embeddings, a name for `load_encoder`, or None.
        device: where it is to be; None: where it is.
    """
    if encoder is None or isinstance(encoder, CachedEncoder):
        found = encoder
    elif isinstance(encoder, str):
        return CachedEncoder(load_encoder(encoder, device))
    else:
        found = CachedEncoder(as_encoder(encoder))
    return found if found is None or device is None else found.to(device)
