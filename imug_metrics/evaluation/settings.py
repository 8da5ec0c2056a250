# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What is scored, and how: the settings of a run, checked before anything is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from imug_metrics.dialogues.columns import Bounds
from imug_metrics.dialogues.record import Record
from imug_metrics.encoders import Encoder
from imug_metrics.encoders.devices import check_device
from imug_metrics.errors import ArgumentError, InputError
from imug_metrics.evaluation.human import Human
from imug_metrics.evaluation.layouts import Wanted, check_layouts
from imug_metrics.functional.answers.answer_accuracy import KINDS, Kind
from imug_metrics.judges import Judge
from imug_metrics.protocols import imug
from imug_metrics.reading.fields import meant
from imug_metrics.reading.files import as_name
from imug_metrics.suite import Given, named_metrics
from imug_metrics.suite.score_ranges import check_score_ranges

Missing: TypeAlias = Literal["skip", "zero"]
Progress: TypeAlias = Callable[[str, int, "int | None"], None]
"""Called with what is being done, how much of it is done, and how much there is (None: not known)."""

SHOWN_NAMES = 5
_HOLD: Mapping[str, Wanted] = {"benchmark": "benchmark", **dict.fromkeys(("judged", "judged_a", "judged_b"), "judged")}


@dataclass(frozen=True)
class JudgeSettings:
    """How a judge is asked.

    Attributes:
        judge: whom to ask.
        prompts: its instructions; None: our own.
        protocol: whose requests are sent; "both" asks twice.
        repeats: how many times each question is asked. The strict score of an image is the mean over all of them; keys,
            and official points, are those of the first reply that can be read.
        retry_errors: ask again also where an earlier reply cannot be used.
        human: scores by people of some images, to be compared with, and to be carried over to all; see `read_human`.
    """

    judge: Judge
    prompts: imug.Prompts | None = None
    protocol: Literal["imug", "strict", "both"] = "imug"
    repeats: int = 1
    retry_errors: bool = False
    human: Human | None = None

    def __post_init__(self) -> None:
        if self.human is not None and not isinstance(self.human, Human):
            object.__setattr__(self, "human", Human(self.human))  # a plain dict has no file to name in messages

    def describe(self) -> dict[str, Any]:
        """What the manifest says of it; no key and no user name is part of it."""
        prompts = self.instructions
        return {
            "name": self.judge.name,
            "url": getattr(self.judge, "base_url", None),
            "protocol": self.protocol,
            "prompts": prompts.source,
            "prompts_version": prompts.version,
            "official_prompts_known": getattr(prompts, "known", False),
            "repeats": self.repeats,
        }

    @property
    def instructions(self) -> imug.Prompts:
        """The instructions that the judge is given."""
        return imug.OwnPrompts() if self.prompts is None else self.prompts


@dataclass(frozen=True)
class Settings:
    """The arguments of `imug_metrics.evaluate`; see there. Exactly one of `records` and `benchmark` is given.

    Without an encoder, `leave_images` scores what needs none and tells how many image turns are left out; else images
    without an encoder are an error.
    """

    records: Mapping[str, Iterable[Record]] | None = None
    benchmark: Path | None = None
    outputs: Path | None = None
    models: tuple[str, ...] = ()
    metrics: Given | None = None
    encoder: Encoder | str | None = None
    device: str | None = None
    cache: Path | None = None
    judge: JudgeSettings | None = None
    judged: Path | None = None
    reference_history: Path | None = None
    missing: Missing = "skip"
    limit: int | None = None
    resume: Path | None = None
    overwrite: bool = False
    leave_images: bool = False
    kind: Kind = "choice"
    score_ranges: Mapping[str, Bounds] | None = None
    keep_states: bool = False

    def __post_init__(self) -> None:
        if (self.records is None) == (self.benchmark is None):
            raise ArgumentError(("records", "benchmark"), "expected one of them")
        if self.missing not in ("skip", "zero"):
            raise ArgumentError("missing", f"expected 'skip' or 'zero', got {self.missing!r}")
        if self.kind not in KINDS:
            raise ArgumentError(
                "kind", f"expected one of {join_names(KINDS)}, got {self.kind!r}{meant(self.kind, KINDS)}"
            )
        if self.kind != "choice" and (self.benchmark is not None or self.metrics is not None):
            raise ArgumentError(
                "kind", "expected with records and without `metrics`; answers to a benchmark are choices"
            )
        whole = isinstance(self.limit, int) and not isinstance(self.limit, bool)
        if self.limit is not None and (not whole or self.limit < 1):
            raise ArgumentError("limit", f"expected a number of samples from 1, got {self.limit}")
        check_device(self.device)
        if self.judge is not None and self.judge.repeats < 1:
            raise ArgumentError("repeats", f"expected a number from 1, got {self.judge.repeats}")
        if self.judge is not None and self.judged is not None:
            raise ArgumentError("judged", "expected without a judge; its recorded answers would be replaced")
        if self.score_ranges is not None:
            self._check_ranges()
        if self.keep_states and self.records is None:
            raise ArgumentError(
                "keep_states", "expected together with records: scores of a benchmark are no sums alone"
            )
        if self.benchmark is None:
            self._check_records()
        else:
            self._check_folders()

    def _check_ranges(self) -> None:
        if self.records is None:
            raise ArgumentError("score_ranges", "expected together with records, not with `benchmark`")
        try:
            ranges = check_score_ranges(self.score_ranges, () if self.metrics is None else named_metrics(self.metrics))
        except InputError as error:
            raise ArgumentError(error.argument, f"expected {error.expected}, got {error.got}") from error
        object.__setattr__(self, "score_ranges", ranges)

    def _check_records(self) -> None:
        needless = ("outputs", "judge", "judged", "reference_history", "limit", "resume")
        for name in needless:
            if getattr(self, name) is not None:
                raise ArgumentError(name, "expected together with `benchmark`, not with records")
        if not self.records:
            raise ArgumentError("records", "expected at least one model, got none")
        if self.models:
            raise ArgumentError("models", "expected together with `benchmark`; of records give those to score")
        if self.metrics is not None and self.missing != "skip":
            raise ArgumentError("missing", "expected as an option of the `metrics` that are given")
        given = [records for records in self.records.values() if isinstance(records, Iterator)]
        if len(set(map(id, given))) < len(given):
            raise ArgumentError("records", "expected an iterator for each model, got one for two of them")
        for name in self.records:
            if not isinstance(name, str) or as_name(name) != name:  # it becomes the name of a file
                raise ArgumentError("records", f"expected names of models that can be file names, got {name!r}")

    def _check_folders(self) -> None:
        assert self.benchmark is not None
        if self.outputs is None:
            raise ArgumentError("outputs", "expected a folder that holds one folder a model, got none")
        folders = {name: getattr(self, name) for name in ("outputs", "judged", "reference_history")}
        check_folders(self.benchmark, folders, self.resume, "resume")
        check_folders(self.benchmark, folders, self.cache, "cache")
        names = chosen_models(self.models, {"outputs": self.outputs})
        object.__setattr__(self, "models", names)  # all of them, where none was named
        check_judged(self.judged, names)
        reference = self.reference_history
        if reference is not None and not set(names) & set(imug.list_models(reference)):
            expected = f"expected a folder of one of the models ({join_names(names)}) in {reference}"
            raise ArgumentError("reference_history", expected)


def check_folders(benchmark: Path, folders: Mapping[str, Path | None], out: Path | None, argument: str = "out") -> None:
    """Raise unless the folders that are read hold what they should and the one that is written lies outside of them.

    Args:
        benchmark: folder of the benchmark.
        folders: by argument, folders of outputs and judgements; None: not used.
        out: the folder that is written; None: nothing is.
        argument: its name, for errors.

    Raises:
        ArgumentError: it names the argument.
    """
    given = {name: (path, _HOLD.get(name, "outputs")) for name, path in {"benchmark": benchmark, **folders}.items()}
    check_layouts(given, imug.read_classes(benchmark, imug.Problems()))
    if out is None:
        return
    if out.exists() and not out.is_dir():
        raise ArgumentError(argument, f"expected a folder, {out} is a file")
    for name, path in {"benchmark": benchmark, **folders}.items():
        if path is not None and name != "judged" and out.resolve().is_relative_to(path.resolve()):
            why = "which is read" if name == "benchmark" else "where it would pass for a model"
            raise ArgumentError(argument, f"expected a folder outside of {path}, {why}")


def check_judged(judged: Path | None, models: Sequence[str], argument: str = "judged") -> None:
    """Raise where a folder of judgements holds none of the models.

    Args:
        judged: the folder; None: there is none.
        models: names.
        argument: that the folder was given as.

    Raises:
        ArgumentError: it names the models.
    """
    files = (place(judged, model) for model in models if judged for place in (imug.key_file, imug.point_file))
    if judged is not None and not any(path.is_file() for path in files):
        raise ArgumentError(argument, f"expected judgements of one of the models ({join_names(models)}) in {judged}")


@contextmanager
def as_argument(name: str, *, of: str | None = None) -> Iterator[None]:
    """Errors about what an argument led to, such as a folder's content, name that argument.

    Args:
        name: of the argument.
        of: what they name instead; others stay as they are. None: whatever they name.
    """
    try:
        yield
    except ArgumentError as error:
        if of not in (None, *error.arguments):
            raise
        raise ArgumentError(name, error.message) from error


def readable_benchmark(folder: Path, problems: imug.Problems, limit: int | None = None) -> imug.Benchmark:
    """The benchmark of a folder.

    Args:
        folder: in the layout of IMUG-Bench.
        problems: collects what is wrong.
        limit: read only the first so many samples.

    Raises:
        ArgumentError: if there is no sample that can be read; the message says what is wrong with the first.
    """
    found = imug.read_benchmark(folder, problems, limit=limit)
    if not found:
        path = folder / imug.SAMPLES
        why = problems.first_error(path)
        raise ArgumentError("benchmark", f"found no sample that can be read in {path}{why}")
    return found


def chosen_models(chosen: Sequence[str], folders: Mapping[str, Path]) -> tuple[str, ...]:
    """The models that were named, or all that every one of the folders of outputs holds.

    Args:
        chosen: names; none: all.
        folders: by argument.

    Raises:
        ArgumentError: if there is no model, or none of a name.
    """
    there = sorted(set.intersection(*(set(imug.list_models(folder)) for folder in folders.values())))
    shown = " and ".join(str(folder) for folder in folders.values())
    names = tuple(dict.fromkeys(chosen))
    for model in names:
        if model not in there:
            hint = _meant_model(model, there, folders.values())
            raise ArgumentError("model", f"expected a folder in {shown} ({join_names(there)}), got {model!r}{hint}")
    if not there:
        what = "a folder that holds one folder a model"
        what += "" if len(folders) == 1 else ", of which one name at least is in both"
        raise ArgumentError(tuple(folders), f"expected {what}, {shown} holds none")
    return names or tuple(there)


def _meant_model(name: str, there: Sequence[str], folders: Iterable[Path]) -> str:
    """What a name that is no model's seems to mean: a domain, a path, or a model under a similar name."""
    last = Path(name).name
    if last in there:
        return f"; did you mean {last!r}?"
    if as_name(name) == name:
        holders = [model for folder in folders for model in there if (folder / model / name).is_dir()]
        if holders:
            return f", a domain in the outputs of {join_names(list(dict.fromkeys(holders)))}: name the model instead"
    return meant(name, there)


def join_names(names: Sequence[str]) -> str:
    """The first names, for a message.

    Example:
        >>> join_names(["a", "b"])
        'a, b'
    """
    return ", ".join(names[:SHOWN_NAMES]) + (", ..." if len(names) > SHOWN_NAMES else "")
