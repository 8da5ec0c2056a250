# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Where the models of a specification come from: names, tags, files and folders, looked at before any is loaded."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType

from imug_metrics._optional import require
from imug_metrics.errors import ArgumentError
from imug_metrics.reading.fields import near_names, nearest

LOCAL, HUB = "local-dir:", ("hf-hub:", "hf_hub:")
INSIGHTFACE = Path("~/.insightface/models")
"""Where insightface keeps its packs of models."""
FACENET = {"vggface2": "20180402-114759-vggface2.pt", "casia-webface": "20180408-102900-casia-webface.pt"}
"""Files of facenet-pytorch, in the checkpoints of torch's cache, by its names for them."""
_HUB_NAME = re.compile(r"[\w.-]{1,96}(/[\w.-]{1,96})?")
_WEIGHTS = (".safetensors", ".bin", ".pth", ".pt", ".ckpt")
_SHOWN = 4


def check_transformers(source: str) -> str:
    """The folder or hub name of a model of transformers; a home folder's ~ is spelled out.

    Raises:
        ArgumentError: if a folder lacks what it needs, or the name can be none of the hub's.
    """
    require("transformers", extra="hf", purpose="TransformersEncoder")
    path = Path(source).expanduser()
    if path.is_dir():
        _check_folder(path, "config.json", "hf:")
        return str(path)
    if path.exists():
        raise _wrong(f"expected a folder with config.json and weights, {path} is a file")
    if _is_path(source) or not _HUB_NAME.fullmatch(source):
        raise _wrong(_no_folder(path) + " (a name of the hub is like openai/clip-vit-base-patch32)")
    return source


def check_open_clip(name: str, pretrained: str) -> tuple[str, str]:
    """Name and weights of a model of open_clip, both known.

    Raises:
        ArgumentError: if open_clip does not know the model or the tag, or there is no such file or folder.
    """
    library = require("open_clip", extra="openclip", purpose="OpenClipEncoder")
    if name.startswith(LOCAL):
        path = Path(name.removeprefix(LOCAL)).expanduser()
        if not path.is_dir():
            raise _wrong(_no_folder(path))
        _check_folder(path, "open_clip_config.json", f"open_clip:{LOCAL}")
        return f"{LOCAL}{path}", ""
    if name.startswith(HUB):
        return name, ""
    known = library.list_models()
    plain = name.replace("/", "-")
    if plain not in known:
        hint = _is_folder(name, "open_clip:local-dir:") or _did_you_mean(plain, known)
        raise _wrong(f"open_clip knows no model {name!r}{hint}")
    return plain, _open_clip_weights(library, plain, pretrained)


def check_timm(name: str, weights: str) -> tuple[str, str]:
    """Name and weights file of a model of timm, both known.

    Raises:
        ArgumentError: if timm does not know the model or has no weights of it, or there is no such file.
    """
    library = require("timm", extra="timm", purpose="TimmEncoder")
    if name.startswith((*HUB, LOCAL)):
        path = Path(name.removeprefix(LOCAL)).expanduser()
        if name.startswith(LOCAL) and not path.is_dir():
            raise _wrong(_no_folder(path))
        return (f"{LOCAL}{path}" if name.startswith(LOCAL) else name), ""
    known = library.list_models()
    plain, _, tag = name.partition(".")
    if plain not in known:
        raise _wrong(
            f"timm knows no model {name!r}{_is_folder(name, 'timm:local-dir:') or _did_you_mean(plain, known)}"
        )
    if weights:
        return name, check_weights(weights)
    trained = library.list_pretrained(f"{plain}.*")
    if not trained and not library.models.is_model_pretrained(plain):
        raise _wrong(f"timm has no weights of {name!r}: name a file, timm:{name}:/path/to/weights")
    if tag and name not in trained:
        raise _wrong(f"timm knows no weights {name!r}{_did_you_mean(name, trained)}")
    return name, ""


def check_insightface(pack: str) -> str:
    """The folder of a pack of insightface's models, by its name or by its path. Nothing is downloaded.

    Raises:
        ArgumentError: if there is no such folder, or it has no models.
    """
    require("insightface.app", purpose="InsightFaceModel")
    folder = (Path(pack) if _is_path(pack) else INSIGHTFACE / pack).expanduser()
    if not folder.is_dir():
        fetch = "" if _is_path(pack) else f". Fetch it by `insightface-cli model.download {pack}`; mind its licence"
        raise _wrong(_no_folder(folder) + fetch)
    if not any(folder.glob("*.onnx")):
        raise _wrong(f"expected a folder with models (.onnx), {folder} has none")
    return str(folder)


def check_facenet(weights: str) -> str:
    """The file of weights of InceptionResnetV1, by facenet-pytorch's name for them or by its path.

    Nothing is downloaded.

    Raises:
        ArgumentError: if there is no such file.
    """
    require("facenet_pytorch", purpose="FacenetModel")
    if weights not in FACENET:
        if not _is_path(weights):
            names = ", ".join(FACENET)
            raise _wrong(f"expected {names} or a file of weights, got {weights!r}{_did_you_mean(weights, FACENET)}")
        return check_weights(weights)
    cache = os.environ.get("TORCH_HOME", os.path.join(os.environ.get("XDG_CACHE_HOME", "~/.cache"), "torch"))
    file = Path(cache, "checkpoints", FACENET[weights]).expanduser()
    if not file.is_file():
        raise _wrong(
            f"{file} does not exist. Fetch it by `InceptionResnetV1(pretrained={weights!r})`; mind its licence"
        )
    return str(file)


def check_weights(path: str) -> str:
    """The path of a file of weights, with a home folder's ~ spelled out.

    Raises:
        ArgumentError: if there is no such file.
    """
    found = Path(path).expanduser()
    if not found.is_file():
        raise _wrong(f"expected a file of weights, {path} {'is a folder' if found.is_dir() else 'does not exist'}")
    return str(found)


def _open_clip_weights(library: ModuleType, name: str, pretrained: str) -> str:
    tags: Sequence[str] = library.list_pretrained_tags_by_model(name)
    if pretrained in tags:
        return pretrained
    shown = ", ".join(tags[:_SHOWN]) + (", ..." if len(tags) > _SHOWN else "")
    forms = f"a tag ({shown}) or a file" if tags else "a file, for open_clip has none"
    if not pretrained:
        raise _wrong(f"expected weights as well, open_clip:{name}:WEIGHTS, as {forms}; without any it is random")
    if Path(pretrained).expanduser().is_file() or _is_path(pretrained):
        return check_weights(pretrained)
    hint = _did_you_mean(pretrained, tags)
    raise _wrong(f"expected the weights of {name} as {forms}, got {pretrained!r}{hint}")


def _check_folder(folder: Path, config: str, form: str) -> None:
    """Raise where a folder lacks its description or its weights."""
    names = os.listdir(folder)
    others = {"config.json": "hf:", "open_clip_config.json": f"open_clip:{LOCAL}"}
    if config not in names:
        other = next((other for name, other in others.items() if name in names and other != form), None)
        below = [path for path in sorted(folder.iterdir()) if (path / config).is_file() and _has_weights(path)]
        meant = f"{other}{folder}" if other else f"{form}{below[0]}" if below else ""
        raise _wrong(
            f"expected a folder with {config}, {folder} has none" + (f"; did you mean {meant}?" if meant else "")
        )
    if not _has_weights(folder):
        raise _wrong(
            f"expected a folder with {config} and weights ({', '.join(_WEIGHTS[:2])}), {folder} has no weights"
        )


def _has_weights(folder: Path) -> bool:
    return any(name.endswith((*_WEIGHTS, ".index.json")) for name in os.listdir(folder))


def _is_path(text: str) -> bool:
    return text.startswith(("/", ".", "~")) or "\\" in text or text.count("/") > 1 or text.endswith(_WEIGHTS)


def _is_folder(name: str, form: str) -> str:
    path = Path(name).expanduser()
    return f"; did you mean {form}{path}?" if path.is_dir() else ""


def _no_folder(path: Path) -> str:
    parent = path.parent
    beside = [one.name for one in parent.iterdir() if one.is_dir()] if parent.is_dir() else []
    near = nearest(path.name, beside)
    return f"there is no folder {path}" + ("" if near is None else f"; did you mean {path.with_name(near)}?")


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    near = near_names(name, known, _SHOWN)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def _wrong(message: str) -> ArgumentError:
    return ArgumentError("spec", message)
