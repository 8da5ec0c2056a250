# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Draw a result file, time over sizes and the roofline: `python -m benchmarks.plots FILE --out DIR`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Lines = dict[str, list[tuple[int, float]]]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plots", description=__doc__)
    parser.add_argument("file", type=Path, help="JSON that `python -m benchmarks` wrote")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the two images")
    options = parser.parse_args(arguments)
    document = json.loads(options.file.read_text(encoding="utf-8"))
    options.out.mkdir(parents=True, exist_ok=True)
    for name, draw in (("sweeps", draw_sweeps), ("roofline", draw_roofline)):
        path = options.out / f"{options.file.stem}-{name}.svg"
        _save(draw(document), path)
        print(path)


def sweep_lines(document: dict[str, Any]) -> dict[tuple[str, str], Lines]:
    """Seconds a call by (case, axis): for each provider, points of size and time."""
    found: dict[tuple[str, str], Lines] = {}
    for row in document["rows"]:
        if row["axis"] is None or row["quantity"] != "throughput":
            continue
        size = str(row["sizes"][row["axis"]]).split("-")[-1]
        lines = found.setdefault((row["name"], row["axis"]), {})
        lines.setdefault(row["provider"], []).append((int(size), row["sizes"]["rows"] / row["median"]))
    return found


def roofline_points(document: dict[str, Any]) -> dict[str, tuple[float, float]]:
    """Operations a byte and a second of the kernels, by name of the case."""
    rates: dict[str, dict[str, float]] = {}
    for row in document["rows"]:
        if row["axis"] is None and row["provider"].startswith("imug_kernels") and row["unit"] in ("GB/s", "TFLOP/s"):
            sizes = [str(row["sizes"][key]) for key in ("turns", "width", "dtype") if key in row["sizes"]]
            rates.setdefault(f"{row['name']} ({', '.join(sizes)})", {})[row["unit"]] = row["median"]
    both = {name: found for name, found in rates.items() if len(found) == 2}
    return {name: (1e3 * found["TFLOP/s"] / found["GB/s"], 1e12 * found["TFLOP/s"]) for name, found in both.items()}


def draw_sweeps(document: dict[str, Any]) -> Any:
    from matplotlib.figure import Figure

    sweeps = sweep_lines(document)
    figure = Figure(figsize=(10, 3.2 * max(1, -(-len(sweeps) // 2))), layout="constrained")
    for place, ((name, axis), lines) in enumerate(sweeps.items()):
        panel = figure.add_subplot(-(-len(sweeps) // 2), 2, place + 1)
        for provider, points in lines.items():
            ours = provider.startswith("imug")
            panel.plot(*zip(*sorted(points)), marker="o", label=provider, linewidth=2.5 if ours else 1, markersize=4)
        panel.set(xscale="log", yscale="log", xlabel=axis, ylabel="seconds a call", title=name)
        sizes = sorted({size for points in lines.values() for size, _ in points})
        panel.set_xticks(sizes, [f"{size:,}" for size in sizes])
        panel.minorticks_off()
        panel.grid(alpha=0.3)
        panel.legend(fontsize=7)
    return figure


def draw_roofline(document: dict[str, Any]) -> Any:
    from matplotlib.figure import Figure

    ceilings, points = document["ceilings"], roofline_points(document)
    figure = Figure(figsize=(8, 5), layout="constrained")
    panel = figure.add_subplot()
    ridge = ceilings["flops_per_second"] / ceilings["bytes_per_second"]
    ends = [min([x for x, _ in points.values()], default=ridge) / 4, ridge, 1e4 * ridge]
    roof = [min(x * ceilings["bytes_per_second"], ceilings["flops_per_second"]) for x in ends]
    panel.plot(ends, roof, color="black", label="copy and matrix product of this run")
    for name, (intensity, rate) in points.items():
        panel.plot(intensity, rate, "o", label=name)
    panel.set(xscale="log", yscale="log", xlabel="operations a byte read", ylabel="operations a second")
    panel.grid(alpha=0.3)
    panel.legend(fontsize=7)
    return figure


def _save(figure: Any, path: Path) -> None:
    """Write an image that is the same for the same numbers."""
    import matplotlib

    with matplotlib.rc_context({"svg.hashsalt": "imug_metrics", "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
