# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Texts of a file of kernels with one thing changed in one of its `@triton.jit` functions."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

COMPARISONS: dict[type[ast.cmpop], tuple[str, ...]] = {
    ast.Lt: ("<=", ">="),
    ast.LtE: ("<", ">"),
    ast.Gt: (">=", "<="),
    ast.GtE: (">", "<"),
    ast.Eq: ("!=",),
    ast.NotEq: ("==",),
}
OPERATORS: dict[type[ast.operator], tuple[str, ...]] = {
    ast.Add: ("-",),
    ast.Sub: ("+",),
    ast.Mult: ("/",),
    ast.Div: ("*",),
    ast.FloorDiv: ("*",),
    ast.Mod: ("//",),
    ast.BitAnd: ("|",),
    ast.BitOr: ("&",),
}
NAMES = {"minimum": "maximum", "maximum": "minimum", "min": "max", "max": "min"}
NUMBERS = {"inf": "-inf", "-inf": "inf", "nan": "0"}  # within float("...")

Place = tuple[int, int, int, int]  # first line and column, last line and column, as in a syntax tree


@dataclass(frozen=True)
class Mutant:
    """A changed file; ``change`` names it by its changed statement, whatever is inserted elsewhere."""

    file: str
    function: str
    kind: str
    change: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.file} {self.function}: {self.change}"


def mutants(file: str, text: str) -> Iterator[Mutant]:
    """Yield every mutant of a file, from its first line to its last."""
    seen: Counter[str] = Counter()
    for function in ast.parse(text).body:
        if not (isinstance(function, ast.FunctionDef) and _is_kernel(function)):
            continue
        for kind, place, new in sorted(_changes(function), key=lambda change: change[1]):
            changed, statement = _replace(text, place, new)
            seen[function.name + statement] += 1
            again = seen[function.name + statement]
            yield Mutant(file, function.name, kind, statement + (f" #{again}" if again > 1 else ""), changed)


def _is_kernel(function: ast.FunctionDef) -> bool:
    return any(ast.unparse(decorator) == "triton.jit" for decorator in function.decorator_list)


def _changes(function: ast.FunctionDef) -> Iterator[tuple[str, Place, str]]:
    """Yield what is changed: its kind, its place and the new text."""
    for statement in function.body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Constant):
                yield from (("constant", _place(node), new) for new in _other_constants(node))
            elif isinstance(node, ast.Compare):
                for new in COMPARISONS.get(type(node.ops[0]), ()):
                    yield "comparison", _between(node.left, node.comparators[0]), f" {new} "
            elif isinstance(node, ast.BinOp):
                for new in OPERATORS.get(type(node.op), ()):
                    yield "operator", _between(node.left, node.right), f" {new} "
                if isinstance(node.op, ast.BitAnd):
                    yield "dropped term", _place(node), ast.unparse(node.left)
                    yield "dropped term", _place(node), ast.unparse(node.right)
            elif isinstance(node, ast.AugAssign):
                for new in OPERATORS.get(type(node.op), ()):
                    yield "operator", _between(node.target, node.value), f" {new}= "
            elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
                yield "operator", _place(node), ast.unparse(node.operand)
            elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "tl" and node.attr in NAMES:
                yield "function", _place(node), f"tl.{NAMES[node.attr]}"


def _other_constants(node: ast.Constant) -> list[str]:
    value = node.value
    if isinstance(value, bool):
        return [str(not value)]
    if isinstance(value, str):
        return [f'"{NUMBERS[value]}"'] if value in NUMBERS else []
    if isinstance(value, int):
        return {0: ["1"], 1: ["0", "2"]}.get(value, [str(value + 1), str(value - 1)])
    if isinstance(value, float):
        return ["1.0"] if value == 0 else [repr(10 * value), repr(1.25 * value)]
    return []


def _place(node: ast.expr) -> Place:
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return node.lineno, node.col_offset, node.end_lineno, node.end_col_offset


def _between(left: ast.expr, right: ast.expr) -> Place:
    """Where the operator stands."""
    return *_place(left)[2:], *_place(right)[:2]


def _replace(text: str, place: Place, new: str) -> tuple[str, str]:
    """Return the changed text, and the changed lines of it alone."""
    first, begin, last, end = place
    lines = text.splitlines()
    head, tail = lines[first - 1][:begin], lines[last - 1][end:]
    # Parentheses around an operand belong to neither operand's place.
    between = "\n".join(lines[first - 1 : last])[begin : len("\n".join(lines[first - 1 : last])) - len(tail)]
    closing, opening = _parentheses(between)
    changed = head + closing + new + opening + tail
    return "\n".join([*lines[: first - 1], changed, *lines[last:]]) + "\n", " ".join(changed.split())


def _parentheses(operator: str) -> tuple[str, str]:
    """Closing ones before and opening ones after an operator; a whole expression has none to keep."""
    stripped = operator.strip(" \n()")
    if stripped not in {"<", "<=", ">", ">=", "==", "!=", "+", "-", "*", "/", "//", "%", "&", "|", "+=", "*="}:
        return "", ""
    before, _, after = operator.partition(stripped)
    return before.strip(" \n"), after.strip(" \n")
