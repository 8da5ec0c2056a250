# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A comparison of strategies as a table."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from imug_metrics.metrics.options import LEAST_COVERAGE

_DASH = "–"


def strategy_cells(
    name: str, strategies: Sequence[str], costs: Sequence[str], found: Mapping[str, Tensor]
) -> list[list[str]]:
    """The cells of a comparison, its header first: a line a strategy, a dash for what is undefined.

    Args:
        name: the metric's name.
        strategies, costs: names of strategies and kinds of cost.
        found: the metric's detail.

    Example:
        >>> found = {"strategy_comparison_score_plain": torch.tensor(0.5)}
        >>> strategy_cells("strategy_comparison", ["plain"], [], found)[1]
        ['plain', '–', '0.5', '–', '–', '–', '–']
    """

    def number(key: str, sign: str = "+") -> str:
        value = float(found.get(f"{name}_{key}", torch.nan))
        return _DASH if value != value else f"{value:{sign}.3g}"

    def joint_bounds(gain: str) -> str:
        bounds = [number(f"{gain}_joint_{end}") for end in ("lower", "upper")]
        return _DASH if _DASH in bounds else " to ".join(bounds)

    def line(strategy: str) -> list[str]:
        gain = f"gain_{strategy}"
        # What a strategy leaves out may be what it cannot do.
        lacks = " !" if float(found.get(f"{name}_coverage_{strategy}", 1)) < LEAST_COVERAGE else ""
        cells = [strategy, number(f"coverage_{strategy}", "") + lacks, number(f"score_{strategy}", "")]
        cells += [number(gain), joint_bounds(gain), number(f"{gain}_p", ""), number(f"{gain}_slope")]
        for kind in costs:
            on_front = float(found.get(f"{name}_front_{kind}_{strategy}", 0)) > 0
            cells += [
                number(f"cost_{kind}_{strategy}", ""),
                number(f"per_{kind}_{strategy}"),
                "yes" if on_front else "",
            ]
        return cells

    header = ["strategy", "coverage", "score", "gain", "all at once", "p", "gain per turn"]
    header += [part for kind in costs for part in (kind, f"gain per {kind}", f"{kind} front")]
    return [header, *map(line, strategies)]


def markdown_table(cells: Sequence[Sequence[str]]) -> str:
    r"""Cells, the header first, as a Markdown table: the first column to the left, the others to the right.

    Example:
        >>> print(markdown_table([["name", "n"], ["a|b", "3"]]))
        | name | n |
        | --- | ---: |
        | a\|b | 3 |
    """
    header, *lines = [[cell.replace("|", r"\|") for cell in line] for line in cells]
    ruled = [header, ["---", *["---:"] * (len(header) - 1)], *lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in ruled)
