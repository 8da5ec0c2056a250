# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Try every mutant of the kernels on the small cases, and list what survives.

Survivors that are listed in equivalent.txt are no other kernel; any other one, and any line of the file that is out of
date, fails. A mutant is computed with in a process of its own, from a copy: the working tree stays as it is.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

os.environ |= {"TRITON_INTERPRET": "1", "IMUG_BACKEND": "triton"}  # before Triton is imported

import imug_kernels
import torch
from imug_kernels import triton_kernels
from torch import Tensor

from tests.kernels.interpreted.address_check import OUTSIDE, checked_addresses
from tests.kernels.interpreted.replaced_language import replaced_language
from tests.kernels.interpreted.small_cases import CASES, Case
from tests.kernels.mutants.equivalents import equivalents
from tests.kernels.mutants.mutate import Mutant, mutants
from tests.kernels.poisoned_memory import poisoned_memory

SOURCE = Path(imug_kernels.__file__).parent / "triton_kernels"

# Whose cases meet what several kernels share.
USERS = {
    "numerics": ("paired", "gram", "cosine_sum", "cross"),
    "tiles": (
        "gram",
        "gram_backward",
        "rank",
        "curve",
        "cosine_sum",
        "segments",
        "paired",
        "paired_backward",
        "rbf",
        "cross",
    ),
    "segment_blocks": ("segment_blocks", "gram", "rank", "curve", "gram_backward"),
    "paired": ("paired", "paired_backward"),
    "top_k": ("cross",),
}
CASE_SECONDS = 10  # of the processor; none of them takes two
KILLED = ("wrong values", "wrong address", "error", "no end")
SURVIVED = "survived"
FATES = (*KILLED, "equivalent", SURVIVED)
LISTED = equivalents()
Expected = list[tuple[Case, list[Tensor]]]


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parse(arguments)
    torch.set_num_threads(1)
    total: Counter[str] = Counter()
    wrong = 0
    _print_row("mutants", FATES, "kernel")
    for path in sorted(SOURCE.glob("*.py")):
        changed = list(mutants(path.name, path.read_text(encoding="utf-8")))
        if changed and (not options.only or path.stem in options.only):
            found = _try_all(path.stem, changed, options.jobs)
            total += _print_counts(found)
            out_of_date = _out_of_date(found)
            print(*[f"not equivalent: {name}\n" for name in out_of_date], sep="", end="", flush=True)
            wrong += len(out_of_date)
    _print_row(total.total(), [total[fate] for fate in FATES], "all")
    sys.exit(wrong + total[SURVIVED] > 0)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.kernels.mutants", description=__doc__)
    parser.add_argument("--only", nargs="+", default=[], help="names of files of kernels, such as rbf")
    parser.add_argument("--jobs", type=int, default=1, help="mutants at a time")
    return parser.parse_args(arguments)


def _try_all(name: str, changed: Sequence[Mutant], jobs: int) -> dict[Mutant, str]:
    expected = [(case, case.reference()) for user in USERS.get(name, (name,)) for _, case in CASES[user]()]
    unchanged = _fate(None, expected)
    assert unchanged == SURVIVED, f"the kernels as they are: {unchanged}"
    found = {}
    with ThreadPoolExecutor(jobs) as pool:
        for mutant, fate in zip(changed, pool.map(lambda mutant: _fate(mutant, expected), changed)):
            found[mutant] = fate
            if fate == SURVIVED and mutant.name not in LISTED:
                print(f"survived: {mutant.name}", flush=True)
    return found


def _fate(mutant: Mutant | None, expected: Expected) -> str:
    """What becomes of a mutant in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        process = os.fork()
        if process == 0:
            os._exit(_child(mutant, Path(folder), expected))
        _, status = os.waitpid(process, 0)
    if os.WIFSIGNALED(status):
        return "no end" if os.WTERMSIG(status) == signal.SIGVTALRM else "error"
    return (SURVIVED, *KILLED)[os.WEXITSTATUS(status)]


def _child(mutant: Mutant | None, folder: Path, expected: Expected) -> int:
    warnings.simplefilter("ignore")
    try:
        if mutant:
            _load_from(folder, mutant)
        with checked_addresses(), replaced_language(), poisoned_memory():
            for case, values in expected:
                signal.setitimer(signal.ITIMER_VIRTUAL, CASE_SECONDS)  # ends the process
                case.check(values)
    except AssertionError:
        return 1 + KILLED.index("wrong values")
    except BaseException as error:
        return 1 + KILLED.index("wrong address" if OUTSIDE in str(error) else "error")
    return 0


def _load_from(folder: Path, mutant: Mutant) -> None:
    """Let what is imported from now on be the mutant, and all other files as they are."""
    (folder / mutant.file).write_text(mutant.text, encoding="utf-8")
    for name in [name for name in sys.modules if name.startswith("imug_kernels.triton_kernels.")]:
        del sys.modules[name]
        delattr(triton_kernels, name.rpartition(".")[2])
    triton_kernels.__path__ = [str(folder), str(SOURCE)]


def _print_counts(found: dict[Mutant, str]) -> Counter[str]:
    """Print a line for each kernel; returns the counts of the file."""
    counts: dict[str, Counter[str]] = {}
    for mutant, fate in found.items():
        listed = fate == SURVIVED and mutant.name in LISTED
        counts.setdefault(f"{mutant.file} {mutant.function}", Counter())["equivalent" if listed else fate] += 1
    for kernel, row in counts.items():
        _print_row(row.total(), [row[fate] for fate in FATES], kernel)
    return sum(counts.values(), Counter[str]())


def _print_row(count: object, fates: Iterable[object], kernel: str) -> None:
    print("".join(f"{cell:>14}" for cell in (count, *fates)), kernel, sep="  ", flush=True)


def _out_of_date(found: dict[Mutant, str]) -> list[str]:
    """Names that are listed as equivalent, but were killed or are gone."""
    survivors = {mutant.name for mutant, fate in found.items() if fate == SURVIVED}
    files = {mutant.file for mutant in found}
    return sorted(name for name in LISTED - survivors if name.partition(" ")[0] in files)


if __name__ == "__main__":
    main()
