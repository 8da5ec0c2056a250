# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What the arguments of several commands name: folders, models, an encoder."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence

from imug_metrics.cli.errors import UsageError
from imug_metrics.cli.messages import some
from imug_metrics.encoders import Encoder, load_encoder
from imug_metrics.protocols import imug


def check_folders(options: Namespace, names: Sequence[str]) -> None:
    """Raise UsageError unless the folders that are read exist and the one that is written lies outside of them.

    Args:
        options: with `benchmark`, `out` (None: nothing is written) and the folders named.
        names: folders of outputs and judgements, where None stands for one that is not used.
    """
    folders = {name: getattr(options, name) for name in ("benchmark", *names)}
    for name, path in folders.items():
        if path is not None and not path.is_dir():
            raise UsageError(f"--{name.replace('_', '-')}: expected an existing folder, got {path}")
    if not (options.benchmark / imug.SAMPLES).is_file():
        raise UsageError(f"--benchmark: expected a folder with {imug.SAMPLES}, {options.benchmark} has none")
    if options.out is None:
        return
    if options.out.exists() and not options.out.is_dir():
        raise UsageError(f"--out: expected a folder, {options.out} is a file")
    for name, path in folders.items():
        models = path is not None and name not in ("benchmark", "judged")
        if models and options.out.resolve().is_relative_to(path.resolve()):
            raise UsageError(f"--out: expected a folder outside of {path}, where it would pass for a model")


def chosen_models(options: Namespace, *names: str) -> list[str]:
    """The models of `--model`, or all that every one of the folders of outputs named holds."""
    folders = [(name, getattr(options, name)) for name in names]
    there = sorted(set.intersection(*(set(imug.list_models(folder)) for _, folder in folders)))
    chosen = list(dict.fromkeys(name for models in options.model or () for name in models))
    shown = " and ".join(str(folder) for _, folder in folders)
    for model in chosen:
        if model not in there:
            raise UsageError(f"--model: expected a folder in {shown} ({some(there)}), got {model!r}")
    if not there:
        flags, what = ", ".join(f"--{name}" for name, _ in folders), "a folder that holds one folder a model"
        what += "" if len(folders) == 1 else ", of which one name at least is in both"
        raise UsageError(f"{flags}: expected {what}, {shown} holds none")
    return chosen or there


def chosen_encoder(spec: str, device: str | None) -> Encoder:
    """The encoder of `--encoder`, on `--device`."""
    try:
        return load_encoder(spec, device)
    except ModuleNotFoundError:
        raise
    except Exception as error:  # model libraries raise nearly anything for a wrong name or device
        raise UsageError(f"--encoder: {spec} does not load: {error}") from error
