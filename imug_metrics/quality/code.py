# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Quality of source code that is read and never run: does it parse, do its brackets close, what does a linter find."""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from imug_metrics._optional import require
from imug_metrics.quality.result import Quality, combined, ramp
from imug_metrics.quality.source import BrokenError, UnjudgedError, as_quality
from imug_metrics.quality.text import clean_share, read_text

MAX_CHARACTERS = 200_000
"""Longest source that is parsed; lexers and parsers may need time that grows faster than the text."""

MAX_DEPTH = 150
"""Deepest nesting of brackets that is parsed."""

_FENCE = re.compile(r"\A\s*```([\w+#.-]*)[^\n]*\n(.*?)\n?```\s*\Z", re.S)
_OPENING, _CLOSING = "([{", ")]}"
_NEEDED = {"extra": "quality", "purpose": "Judging code"}

# Findings after which the program stops with an error when the line is reached, by the names that pyflakes gives them.
_FATAL = frozenset(
    [
        "BreakOutsideLoop",
        "ContinueOutsideLoop",
        "DefaultExceptNotLast",
        "DuplicateArgument",
        "ForwardAnnotationSyntaxError",
        "FutureFeatureNotDefined",
        "LateFutureImport",
        "PercentFormatInvalidFormat",
        "RaiseNotImplemented",
        "ReturnOutsideFunction",
        "StringDotFormatInvalidFormat",
        "StringDotFormatMissingArgument",
        "TooManyExpressionsInStarredAssignment",
        "TwoStarredExpressions",
        "UndefinedExport",
        "UndefinedLocal",
        "UndefinedName",
        "YieldOutsideFunction",
    ]
)

_UNFINISHED = re.compile(
    r"(TODO|FIXME|XXX)\b.{0,20}(implement|your code|add logic)"
    r"|\.\.\. ?(the )?(rest|remaining)|(rest|remainder) of (the|your) (code|file|function)|existing code",
    re.I,
)

Findings = tuple[dict[str, float], dict[str, float], "str | None"]


def code_quality(source: str | bytes | Path, *, language: str | None = None) -> Quality:
    r"""Quality of a program's text.

    The language is ``language``, else that of the fence around the text, else that of the file's ending, else Python.
    The value is the product of:

    - ``parses``: 1 or 0 for Python (``ast``), JSON and XML; for other languages 1 less ten times the share of
      characters that the lexer of Pygments does not know, not below 0.
    - ``brackets``: 1 less the share of brackets outside of strings and comments that have no partner, times 10, not
      below 0.05 (other languages than Python, JSON and XML).
    - ``findings``: 1 / (1 + 2.5 (4 fatal + other) / lines) with the findings of pyflakes, where fatal are those such as
      undefined names that stop the program (Python only).
    - ``clean``: share of characters that are no debris of a wrong encoding: 0.95 scores 0, 1 scores 1.
    - ``lines``: share of lines of at most 200 characters: 0.5 scores 0, 1 scores 1.
    - ``finished``: 0.5 where placeholders are left (``...`` or ``pass`` as whole bodies of more than half of the
      functions, "TODO: implement", "rest of the code"), else 1.

    Python, JSON or XML that does not parse has quality 0.1 times the share of its lines before the error, so that code
    with one wrong line at its end is still above garbage.

    Args:
        source: The program's text, its UTF-8 bytes, or the path of a file.
        language: Name of a language as Pygments knows it, such as ``"python"``, ``"javascript"`` or ``"json"``.

    Returns:
        The quality in [0, 1]; 0 for an empty text, NaN for one that is too long, too deep or in an unknown language.

    Raises:
        ModuleNotFoundError: If pyflakes or Pygments is not installed.
        TypeError: If ``source`` is of another kind.

    Example:
        >>> code_quality("def double(x):\n    return 2 * x\n").value
        1.0
        >>> code_quality("def double(x):\n    return 2 * y\n").value < 0.2
        True
        >>> code_quality("def double(x:\n    return 2 * x\n").reason
        "Line 1: '(' was never closed."
    """
    return as_quality(lambda: _measured(source, language))


def _measured(source: str | bytes | Path, language: str | None) -> Quality:
    text = read_text(source, MAX_CHARACTERS)
    fenced = _FENCE.match(text)
    if fenced:
        language, text = language or fenced[1] or None, fenced[2]
        if not text.strip():
            raise BrokenError("The program is empty.")
    suffix = Path(source).suffix if isinstance(source, Path) else ""
    name = _language(language, suffix)
    measure = _PARSED.get(name, _lexed)
    parts, scores, reason = measure(text, name)
    lines = text.splitlines()
    parts |= {"lines": float(len(lines)), "clean": clean_share(text)}
    scores |= {
        "clean": ramp(parts["clean"], 0.95, 1.0),
        "lines": ramp(sum(len(line) <= 200 for line in lines) / len(lines), 0.5, 1.0),
        "finished": 0.5 if _UNFINISHED.search(text) or parts.get("empty_functions", 0.0) > 0.5 else 1.0,
    }
    quality = combined(parts, scores)
    if reason is None:
        return quality
    return Quality(0.1 * parts["before_error"], reason, quality.parts)


def _language(language: str | None, suffix: str) -> str:
    if not (language or suffix):
        return "python"
    lexers, util = require("pygments.lexers", **_NEEDED), require("pygments.util", **_NEEDED)
    try:
        name = language if language else lexers.get_lexer_for_filename(f"file{suffix}").aliases[0]
        lexer = lexers.get_lexer_by_name(name)
    except (util.ClassNotFound, IndexError) as error:
        raise UnjudgedError(f"The language {language or suffix!r} is unknown.") from error
    return str(lexer.aliases[0])


def _python(text: str, name: str) -> Findings:
    _check_depth(text, name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an unusual escape in a string is no error
            tree = ast.parse(text)
    except SyntaxError as error:
        return _stopped(text, error.lineno or 1, f"Line {error.lineno or 1}: {error.msg}.")
    except ValueError as error:  # a null byte
        return _stopped(text, 1, f"Not Python: {error}.")
    except (RecursionError, MemoryError) as error:
        raise UnjudgedError("The program is nested too deeply to be parsed.") from error
    fatal, other = _flakes(tree)
    parts = {"fatal": float(fatal), "other_findings": float(other), "empty_functions": _empty_functions(tree)}
    lines = max(1, sum(bool(line.strip()) for line in text.splitlines()))
    return parts, {"parses": 1.0, "findings": 1 / (1 + 2.5 * (4 * fatal + other) / lines)}, None


def _flakes(tree: ast.Module) -> tuple[int, int]:
    try:
        messages = require("pyflakes.checker", **_NEEDED).Checker(tree).messages
    except (RecursionError, MemoryError) as error:
        raise UnjudgedError("The program is nested too deeply for the linter.") from error
    fatal = sum(type(message).__name__ in _FATAL for message in messages)
    return fatal, len(messages) - fatal


def _empty_functions(tree: ast.Module) -> float:
    functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    return sum(all(_is_nothing(line) for line in node.body) for node in functions) / max(1, len(functions))


def _is_nothing(line: ast.stmt) -> bool:
    return isinstance(line, ast.Pass) or (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))


def _json(text: str, name: str) -> Findings:
    _check_depth(text, name)
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return _stopped(text, error.lineno, f"Line {error.lineno}: {error.msg}.")
    except ValueError as error:  # a number of too many digits
        raise UnjudgedError(f"Not readable as JSON: {error}.") from error
    return {}, {"parses": 1.0}, None


def _xml(text: str, _name: str) -> Findings:
    from xml.parsers import expat  # resolves no external entities unless it is told how

    parser = expat.ParserCreate()
    try:
        parser.Parse(text.encode("utf-8", "replace"), True)
    except expat.ExpatError as error:
        return _stopped(text, error.lineno, f"Line {error.lineno}: {expat.ErrorString(error.code)}.")
    return {}, {"parses": 1.0}, None


_PARSED: dict[str, Callable[[str, str], Findings]] = {"python": _python, "json": _json, "xml": _xml}


def _lexed(text: str, name: str) -> Findings:
    parts, unknown = _brackets(_tokens(text, name))
    parts["unknown"] = unknown / len(text)
    lone = parts["lone_brackets"] / max(1.0, parts["brackets"])
    scores = {"parses": max(0.0, 1 - 10 * parts["unknown"]), "brackets": max(0.05, 1 - 10 * lone)}
    return parts, scores, None


def _tokens(text: str, name: str) -> list[tuple[Any, str]]:
    lexer = require("pygments.lexers", **_NEEDED).get_lexer_by_name(name)
    return list(lexer.get_tokens(text))


def _brackets(tokens: list[tuple[Any, str]]) -> tuple[dict[str, float], int]:
    token = require("pygments.token", **_NEEDED)
    stack: list[str] = []
    count = lone = unknown = 0
    for kind, value in tokens:
        unknown += len(value) if kind in token.Error else 0
        if kind in token.String or kind in token.Comment:
            continue
        for c in value:
            if c in _OPENING:
                stack.append(c)
            elif c not in _CLOSING:
                continue
            elif stack and stack[-1] == _OPENING[_CLOSING.index(c)]:
                stack.pop()
            else:
                lone += 1
            count += 1
    return {"brackets": float(count), "lone_brackets": float(lone + len(stack))}, unknown


def _check_depth(text: str, _name: str) -> None:
    depth = deepest = 0
    for c in text:
        depth += (c in _OPENING) - (c in _CLOSING)
        deepest = max(deepest, depth)
    indentation = max(len(line) - len(line.lstrip()) for line in text.splitlines())
    if deepest > MAX_DEPTH or indentation > 4 * MAX_DEPTH:
        raise UnjudgedError("The program is nested too deeply to be parsed.")


def _stopped(text: str, line: int, reason: str) -> Findings:
    share = min(1.0, max(0, line - 1) / max(1, len(text.splitlines())))
    return {"before_error": share}, {"parses": 0.0}, reason
