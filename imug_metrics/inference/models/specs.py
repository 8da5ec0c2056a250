# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Models by what is written of them on a command line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from imug_metrics.errors import ArgumentError
from imug_metrics.inference.model import Model
from imug_metrics.reading.files import as_name


class Options(NamedTuple):
    """What a model may be told beside its name.

    Attributes:
        url: base URL of its server, up to and without `/chat/completions`.
        temperature: of sampling.
        device: where it runs.
    """

    url: str | None
    temperature: float
    device: str | None


Load: TypeAlias = Callable[[Sequence[str], Options], Model]


class Kind(NamedTuple):
    """A kind of models.

    Attributes:
        form: what stands behind the colon.
        load: makes the model of what was written there.
        name: what its folder is called by default.
        takes_url: whether its server is told apart from the model.
    """

    form: str
    load: Load
    name: Callable[[str], str]
    takes_url: bool = False


def load_model(
    specs: str | Sequence[str], *, url: str | None = None, temperature: float = 0.7, device: str | None = None
) -> Model:
    """The model that a text names.

    Args:
        specs: `KIND:...` with one of `KINDS`, such as `openai:gpt-4o`; several are servers of one model, each
            `infer:URL`.
        url: base URL of the server of an openai model; by default OPENAI_BASE_URL.
        temperature: of sampling, where the model is told it.
        device: where a transformers model runs; by default the CPU. What is a model elsewhere does not look at it.

    Raises:
        ArgumentError: if there is no such kind of models, or it cannot be made with these arguments.
        ModuleNotFoundError: if a package that it needs is not installed.

    Example:
        >>> load_model("clip:ViT-B")
        Traceback (most recent call last):
        imug_metrics.errors.ArgumentError: Argument `model`: expected infer:URL, python:FILE.py:FUNCTION, openai:MODEL,
        openai-images:MODEL, transformers:FOLDER-OR-NAME, command:PROGRAM ... or replay:DIR, got 'clip:ViT-B'
    """
    written = [specs] if isinstance(specs, str) else list(specs)
    places = [_split(spec) for spec in written]
    prefixes = {prefix for prefix, _ in places}
    if not places or (len(places) > 1 and prefixes != {"infer"}):
        raise ArgumentError("model", f"expected one model, or several infer:URL, got {', '.join(written) or 'none'}")
    kind = KINDS[places[0][0]]
    if url is not None and not kind.takes_url:
        raise ArgumentError(("model", "url"), f"{written[0]} takes no URL beside it")
    if not 0 <= temperature <= 100:
        raise ArgumentError("temperature", f"expected a number from 0 to 100, got {temperature}")
    try:
        return kind.load([place for _, place in places], Options(url, temperature, device))
    except ArgumentError:
        raise
    except (ValueError, OSError) as error:
        raise ArgumentError("model", f"{written[0]}: {error}") from error


def default_name(spec: str) -> str:
    """What the folder of a model's outputs is called unless it is told.

    Raises:
        ArgumentError: if there is no such kind of models, or nothing in the text can be the name of a folder.

    Example:
        >>> [default_name(spec) for spec in ("openai:gpt-4o", "python:a/b.py:draw", "infer:http://host:8000/infer")]
        ['gpt-4o', 'draw', 'host-8000']
    """
    prefix, place = _split(spec)
    name = as_name(KINDS[prefix].name(place).lstrip("."))  # hidden folders are no models
    if name is None:
        raise ArgumentError("name", f"expected a name of the folder: {spec!r} holds none")
    return name


def takes_url(spec: str) -> bool:
    """Whether the server of the model is told apart from it.

    Raises:
        ArgumentError: if there is no such kind of models.

    Example:
        >>> takes_url("openai:gpt-4o"), takes_url("replay:outputs/mine")
        (True, False)
    """
    return KINDS[_split(spec)[0]].takes_url


def _split(spec: str) -> tuple[str, str]:
    prefix, _, place = spec.partition(":")
    if prefix not in KINDS or not place.strip():
        *others, last = (f"{name}:{kind.form}" for name, kind in KINDS.items())
        raise ArgumentError("model", f"expected {', '.join(others)} or {last}, got {spec!r}")
    return prefix, place.strip()


def _last_part(place: str) -> str:
    return Path(place).resolve().name if place.startswith(".") else Path(place).name


def _infer_server(urls: Sequence[str], options: Options) -> Model:
    from imug_metrics.inference.models.infer_server import InferServer

    return InferServer(urls, temperature=options.temperature)


def _infer_name(url: str) -> str:
    from imug_metrics.inference.models.infer_server import server_name

    return server_name(url)


def _python(places: Sequence[str], options: Options) -> Model:
    from imug_metrics.inference.models.python_function import PythonFunction

    return PythonFunction(places[0])


def _openai(images: Any) -> Load:
    def load(names: Sequence[str], options: Options) -> Model:
        from imug_metrics.inference.models.openai_server import OpenAIModel

        return OpenAIModel(names[0], base_url=options.url, images=images, temperature=options.temperature)

    return load


def _transformers(names: Sequence[str], options: Options) -> Model:
    from imug_metrics.inference.models.transformers_model import TransformersModel

    return TransformersModel(names[0], temperature=options.temperature, device=options.device)


def _command(commands: Sequence[str], options: Options) -> Model:
    from imug_metrics.inference.models.command import CommandModel

    return CommandModel(commands[0])


def _replay(folders: Sequence[str], options: Options) -> Model:
    from imug_metrics.inference.models.replay import RecordedOutputs

    folder = Path(folders[0])
    if not folder.is_dir():
        raise ArgumentError("model", f"replay: there is no folder {folders[0]}")
    if not any(folder.glob("*/*/question_*")):
        within = sorted(path.name for path in folder.iterdir() if any(path.glob("*/*/question_*")))
        hint = f"; did you mean {folder / within[0]}?" if within else ""
        raise ArgumentError("model", f"replay: {folder} holds no outputs of one model{hint}")
    return RecordedOutputs(folder)


def _first_word(command: str) -> str:
    from imug_metrics.inference.models.command import split_command

    return Path(split_command(command)[0]).name


KINDS = {
    "infer": Kind("URL", _infer_server, _infer_name),
    "python": Kind("FILE.py:FUNCTION", _python, lambda place: place.rpartition(":")[2]),
    "openai": Kind("MODEL", _openai("chat"), _last_part, takes_url=True),
    "openai-images": Kind("MODEL", _openai("endpoint"), _last_part, takes_url=True),
    "transformers": Kind("FOLDER-OR-NAME", _transformers, _last_part),
    "command": Kind("PROGRAM ...", _command, _first_word),
    "replay": Kind("DIR", _replay, _last_part),
}
