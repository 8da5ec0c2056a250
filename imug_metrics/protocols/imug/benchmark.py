# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A benchmark in the official layout, read once: its samples, and what their judgements need to know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import overload

from imug_metrics.protocols.imug.board import Protocol
from imug_metrics.protocols.imug.counting import check_benchmark_counting
from imug_metrics.protocols.imug.dynamic import DynamicLink, read_dynamic_links
from imug_metrics.protocols.imug.grid import Boards, is_grid, read_boards
from imug_metrics.protocols.imug.samples import Key, Sample, read_classes, read_samples
from imug_metrics.reading.files import Problems


@dataclass(frozen=True)
class Benchmark(Sequence[Sample]):
    """The samples of a benchmark folder, in file order, with what else the folder holds.

    Attributes:
        root: the folder; input images are read from it when they are needed.
        samples: the samples; the benchmark itself is a sequence of them.
        classes: the class of each domain.
        links: the questions whose keys depend on the model's own outputs.
        boards: by sample key, the right boards of images that are scored by rule.
    """

    root: Path
    samples: tuple[Sample, ...]
    classes: Mapping[str, str] = field(default_factory=dict)
    links: tuple[DynamicLink, ...] = ()
    boards: Mapping[Key, Boards] = field(default_factory=dict)

    @overload
    def __getitem__(self, place: int) -> Sample: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Sample, ...]: ...
    def __getitem__(self, place: int | slice) -> Sample | tuple[Sample, ...]:
        return self.samples[place]

    def __len__(self) -> int:
        return len(self.samples)

    def __iter__(self) -> Iterator[Sample]:
        return iter(self.samples)

    def truth(self, sample: Sample, protocol: Protocol) -> dict[int, tuple[str, ...]]:
        """The right boards of a sample by turn; none for a sample that is judged."""
        boards = self.boards.get(sample.key)
        return {} if boards is None else boards.read(protocol)

    def select(self, samples: Sequence[Sample]) -> Benchmark:
        """The same benchmark with a part of its samples, or with samples of which turns were left out."""
        return replace(self, samples=tuple(samples))


def read_benchmark(root: Path, problems: Problems, *, limit: int | None = None) -> Benchmark:
    """Everything that a benchmark folder says in words; what is wrong in it is told once.

    Args:
        root: holds data/benchmark.jsonl and, where there are any, data/image_references.jsonl,
            data/dynamic_references.jsonl, data/grid_gt/ and config/domain_classes.json.
        problems: collects what is wrong in the data; the sample, turn or entry concerned is left out.
        limit: read only the first so many samples.

    Raises:
        FileNotFoundError: if there is no data/benchmark.jsonl.
        ArgumentError: if the turns of a file count from 0.
    """
    samples = read_samples(root, problems, limit=limit)
    check_benchmark_counting(root, samples)
    links = read_dynamic_links(root, samples, problems)
    boards = {sample.key: read_boards(root, sample, problems) for sample in samples if is_grid(sample)}
    return Benchmark(root, tuple(samples), read_classes(root, Problems()), tuple(links), boards)
