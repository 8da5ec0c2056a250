# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Numbers in LaTeX, written as in plain text."""

from __future__ import annotations

import re

_SYMBOLS = {
    "times": "×", "cdot": "×", "div": "÷", "pm": "±", "pi": "π", "over": "/", "approx": "≈", "circ": "°",
    "degree": "°", "percent": "%", "pounds": "£", "euro": "€", "textdollar": "$", "textminus": "−", "ldots": "…",
    "quad": " ", "qquad": " ", "thinspace": "\u2009", "medspace": "\u2009", "thickspace": "\u2009", "enspace": " ",
    "left": "", "right": "", "displaystyle": "",
}  # fmt: skip
_COMMAND = re.compile(r"\\([A-Za-z]{1,20})")
_SPACE = re.compile(r" ?(?:\{(?:\\[,;:> ]|[ ~])\}|\\[,;:> ]|~)+ ?")
_WRAPPED_MARK = re.compile(r"\{([-−+.,])\}")
_FIGURE = r"\s?[-−+]?\d[\d.,\u2009]{0,60}\s?"
_FONT = re.compile(
    r"\\(?:num|SI|qty|numprint|text[a-z]{0,2}|math(?:rm|bf|it|sf|tt)|operatorname|[mh]box|boldsymbol|bm|bf|rm|emph)\b"
    rf"(?:\{{(?:(?P<figure>{_FIGURE})|(?P<word>[A-Za-z]{{1,20}}))\}})?"
)
_ARGUMENT = rf"\s?(?:\{{({_FIGURE})\}}|(\d))"
_NESTED = r"\s?(?:\{(?:[^{}]|\{(?:[^{}]|\{[^{}]{0,60}\}){0,60}\}){0,120}\}|\w)"
_OPAQUE = re.compile(rf"\\(?:[cdt]?frac{_NESTED}|[dt]?binom{_NESTED}|sqrt(?:\[\w{{1,3}}\])?){_NESTED}")
_FRACTION = re.compile(rf"\\[cdt]?frac{_ARGUMENT}{_ARGUMENT}")
_AFTER_DIGIT = re.compile(r"(?<=\d)[\s\u2009]*(?=\\[cdt]?frac)")
_RAISED = re.compile(r"([_^])\s?\{\s?([-−+]?\s?[\w°]{1,20})\s?\}")
_DEGREES = re.compile(r"\s?\^\s?°")


def plain_latex(text: str) -> str:
    r"""Write the numbers of a LaTeX text as in plain text; what is no LaTeX stays as it is.

    Roots, and fractions of anything but two numbers, become the sign `√` alone.

    Example:
        >>> from imug_metrics.reading.latex import plain_latex
        >>> plain_latex(r"9{,}500 and 10,\!000 and -\frac{3}{4} and 1\tfrac12 and 6 \times 10^{23}")
        '9,500 and 10,000 and -3/4 and 1 1/2 and 6 × 10^23'
    """
    if not any(mark in text for mark in "\\{}~"):
        return text
    text = _WRAPPED_MARK.sub(r"\1", text.replace("\\!", ""))
    text = _SPACE.sub("\u2009", text)
    text = _FRACTION.sub(_divided, _AFTER_DIGIT.sub(" ", _without_fonts(text)))
    text = _OPAQUE.sub("√", text)
    text = _COMMAND.sub(lambda match: _SYMBOLS.get(match[1], match[0]), text)
    text = _DEGREES.sub("°", _RAISED.sub(r"\1\2", text))
    return re.sub(r"\\[()\[\]]|[{}]", " ", re.sub(r"\\([$%#&_])", r"\1", text))


def _without_fonts(text: str) -> str:
    return _FONT.sub(lambda match: match["figure"] or (f"{match['word']} " if match["word"] else ""), text)


def _divided(match: re.Match[str]) -> str:
    above, below = match[1] or match[2], match[3] or match[4]
    return f"{above.strip()}/{below.strip()}"
