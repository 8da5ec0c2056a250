# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Benchmarks on this machine; without a word all groups of cases.

  gpu     one call on a bare machine with a GPU: ceilings, correctness, races, sweeps, end to end, counters
  counts  operations and waits for the device of one update of every metric

Every case is written as it ends, as a JSON line; at the end JSON, CSV and a summary in Markdown.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from .comparison import OtherMachineError, compare
from .groups import ENVIRONMENT, GPU_PHASES, GROUPS, SIZED, Phase
from .journal import SCHEMA, Document, Journal, document, read
from .session import PATIENCE, Session
from .summary import summary

RESULTS = Path(__file__).parent / "results"  # of a checkout
FINE, TROUBLED, USAGE = 0, 1, 2
DTYPES = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16", "fp64": "float64"}
DRY = {"TRITON_INTERPRET": "1", "IMUG_BACKEND": "triton", "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}


def main(arguments: Sequence[str] | None = None, program: str = "imug-metrics bench") -> int:
    """Run the command and return its exit code: 1 if anything failed or was wrong, 2 if the runs cannot be compared."""
    parser = _parser(program)
    options = parser.parse_args(arguments)
    _check(parser, options)
    before = None if options.compare is None else load_document(options.compare)  # this run may have its name
    if options.summarize is not None:
        found = load_document(options.summarize)
        print(summary(found))
    else:
        found = _run(options)
    if before is not None:
        try:
            print(compare(before, found))
        except OtherMachineError as error:
            print(f"{program}: --compare: {error}", file=sys.stderr)
            return USAGE
    return TROUBLED if _in_trouble(found) else FINE


def _parser(program: str) -> argparse.ArgumentParser:
    style = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog=program, description=__doc__, formatter_class=style)
    parser.add_argument("what", nargs="?", choices=("gpu", "counts"), help="see above")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of what is written (default: %(default)s)")
    parser.set_defaults(out=RESULTS if RESULTS.is_dir() else Path("imug-bench"))
    parser.add_argument("--minutes", type=float, default=6.0, metavar="M", help="with gpu: for all of it (default: 6)")
    parser.add_argument("--dry", action="store_true", help="with gpu: tiny sizes on a CPU, kernels interpreted")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: does everything run?")
    groups = f"{', '.join(GROUPS)}, or PACKAGE.MODULE:FUNCTION of your own"
    parser.add_argument("--ops", nargs="+", default=list(GROUPS), metavar="GROUP", help=f"groups of cases: {groups}")
    sized = parser.add_argument_group("one size", f"instead of those of a group: {', '.join(SIZED)}")
    sized.add_argument("--rows", type=_number, metavar="N", help="such as 1e6")
    sized.add_argument("--width", type=_number, metavar="D")
    sized.add_argument("--dtype", type=lambda name: DTYPES.get(name, name), choices=tuple(DTYPES.values()))
    sized.add_argument("--turns", type=_turns, metavar="T-T", help="shortest and longest dialogue, such as 2-12")
    tried = "settings of the kernels to try beside the table's, such as BLOCK_M=64,num_stages=6; may be repeated"
    sized.add_argument("--config", action="append", default=[], metavar="SETTINGS", help=tried)
    parser.add_argument("--compare", type=Path, metavar="BEFORE.json", help="print ratios to an earlier run")
    parser.add_argument("--summarize", type=Path, metavar="FILE", help="run nothing: show a JSON or JSON lines file")
    return parser


def _number(text: str) -> int:
    value = float(text)
    if value < 1 or value != int(value):
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got {text!r}")
    return int(value)


def _turns(text: str) -> tuple[int, int]:
    shortest, _, longest = text.partition("-")
    return _number(shortest), _number(longest or shortest)


def _check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    unknown = [name for name in options.ops if name not in GROUPS and ":" not in name]
    if unknown:
        parser.error(f"--ops: expected some of {', '.join(GROUPS)}, got {unknown[0]!r}")
    unsized = [name for name in options.ops if name not in SIZED]
    if (_size(options) or options.config) and (unsized or options.what):
        parser.error(f"a size or --config is for --ops {' '.join(SIZED)}, not for {options.what or unsized[0]}")
    if options.dry and options.what != "gpu":
        parser.error("--dry is for gpu; --quick has tiny sizes")


def _size(options: argparse.Namespace) -> dict[str, Any]:
    given = {name: getattr(options, name) for name in ("rows", "width", "dtype", "turns")}
    return {name: value for name, value in given.items() if value is not None}


def _phases(options: argparse.Namespace) -> tuple[Phase, ...]:
    if options.what == "gpu":
        return tuple(phase._replace(workers=1) for phase in GPU_PHASES) if options.dry else GPU_PHASES
    if options.what == "counts":
        return (Phase("counts", ("update_counts",)),)
    return (ENVIRONMENT, Phase("groups", tuple(options.ops)))


def _run(options: argparse.Namespace) -> Document:
    """Run the phases and write what they found; the lines are kept under the name of the machine too."""
    quick = options.quick or options.dry
    lines = options.out / f"bench-{time.strftime('%Y-%m-%d-%H%M%S')}.jsonl"
    journal = Journal(lines)
    heading = {"schema": SCHEMA, "date": date.today().isoformat(), "quick": quick, "what": options.what or "groups"}
    journal.write({"event": "session", **heading})
    session = Session(
        journal,
        setup={"quick": quick, "size": _size(options) or None, "configs": options.config},
        environment=DRY if options.dry else {},
        seconds=60 * options.minutes if options.what == "gpu" else None,
        patience=PATIENCE if options.what == "gpu" else None,
    )
    try:
        session.run(_phases(options))
    finally:
        journal.close()
    found = document(read(lines))
    _write(found, lines)
    return found


def _write(found: Document, lines: Path) -> None:
    stem = _stem(found)
    path = lines.with_name(f"{stem}.json")
    lines.replace(path.with_suffix(".jsonl"))
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    path.with_suffix(".md").write_text(summary(found), encoding="utf-8")
    write_csv(found["rows"], path.with_suffix(".csv"))
    print(summary(found))
    print(*(path.with_suffix(end) for end in (".json", ".jsonl", ".csv", ".md")), sep="\n")


def _stem(found: Document) -> str:
    machine, what = found["machine"], found["what"]
    gpu, cpu = machine.get("gpu"), machine.get("cpu")
    where = gpu.split(",")[0] if gpu else f"{cpu} {machine['cores']} cores" if cpu else what
    slug = re.sub(r"[^a-z0-9]+", "-", where.lower()).strip("-")
    return f"{slug}-{found['date']}{'-quick' if found['quick'] else ''}"


def write_csv(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """One line a row, with the sizes as one column."""
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.DictWriter(file, fieldnames=list(rows[0]) if rows else ["name"])
        lines.writeheader()
        for row in rows:
            lines.writerow(row | {"sizes": ";".join(f"{name}={value}" for name, value in row["sizes"].items())})


def load_document(path: Path) -> Document:
    """What a run found, from its JSON file or from the lines it wrote before it was killed."""
    if path.suffix == ".jsonl":
        return document(read(path))
    found: Document = json.loads(path.read_text(encoding="utf-8"))
    return document(()) | {"finished": True, "seconds": 0.0} | found  # older files have fewer fields


def _in_trouble(found: Document) -> bool:
    serious = [event for event in found["troubles"] if event["event"] not in ("cut", "skipped")]
    wrong = [check for check in found["checks"] if not check["passed"] or check["same_bits"] is False]
    return bool(serious or wrong)
