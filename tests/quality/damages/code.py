# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What can happen to a program: pairs of a clean one and a damaged one, in a fence that names the language."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.quality.items import PROGRAM, SCRIPT

JSON = '{"name": "lamp", "on": true, "hours": [18, 19, 20]}'
XML = "<lamp><name>north</name><hours from='18' to='6'/></lamp>"


def fenced(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```"


def _after(line: str, more: str) -> str:
    return PROGRAM.replace(line, line + more, 1)


PYTHON: dict[str, Callable[[], str | bytes]] = {
    "colon-missing": lambda: PROGRAM.replace("def longest(words):", "def longest(words)"),
    "bracket-left-open": lambda: PROGRAM.replace(")))\n", "))\n"),
    "string-left-open": lambda: PROGRAM.replace('best = ""', 'best = "'),
    "docstring-left-open": lambda: PROGRAM.replace('seen."""', "seen."),
    "wrong-indentation": lambda: PROGRAM.replace("    for word in words:", "  for word in words:"),
    "indentation-gone": lambda: re.sub(r"^ +", "", PROGRAM, flags=re.M),
    "keyword-misspelt": lambda: PROGRAM.replace("return best", "retrun best"),
    "name-misspelt": lambda: PROGRAM.replace("return best", "return bset"),
    "import-missing": lambda: PROGRAM.replace("import re\n", ""),
    "imports-unused": lambda: PROGRAM.replace("import re\n", "import os\nimport re\nimport sys\n"),
    "variable-unused": lambda: _after('    best = ""\n', "    rest = 1\n"),
    "return-outside": lambda: PROGRAM + "\nreturn 1\n",
    "break-outside": lambda: PROGRAM + "\nbreak\n",
    "argument-twice": lambda: PROGRAM.replace("def longest(words)", "def longest(words, words)"),
    "assigned-to-a-call": lambda: PROGRAM + "\nlongest([]) = 3\n",
    "redefined": lambda: PROGRAM + "\nimport os\nimport os\n",
    "cut": lambda: PROGRAM[: len(PROGRAM) // 2 - 10],
    "cut-early": lambda: PROGRAM[:40],
    "merge-conflict": lambda: PROGRAM.replace("    return best\n", "<<<<<<< HEAD\n    return best\n=======\n"),
    "curly-quotes": lambda: PROGRAM.replace('""\n', "“”\n"),
    "prose-instead": lambda: "Here is a program that counts words. It uses a dictionary.",
    "prose-before": lambda: "Sure! Here is the program:\n" + PROGRAM,
    "bodies-missing": lambda: re.sub(r"(    def \w+\(.*\):\n)(        .*\n)+", r"\1        pass\n\n", PROGRAM),
    "rest-left-out": lambda: PROGRAM + "\n# ... rest of the code\n",
    "yet-to-be-written": lambda: _after('    best = ""\n', "    # TODO: implement this\n"),
    "endless-lines": lambda: "x = [" + "1, " * 2000 + "]\n",
    "null-byte": lambda: PROGRAM.replace("best", "be\0st"),
    "debris": lambda: PROGRAM.replace("Counts the words", "Zählt Wörter und Größen".encode().decode("latin-1")),
    "no-utf-8": lambda: PROGRAM.encode("utf-16"),
    "empty": lambda: "\n",
    "print-without-brackets": lambda: PROGRAM.replace("print(", "print ").replace(")))\n", "))\n"),
}

OTHERS: dict[str, tuple[str, str]] = {
    "javascript-brace-missing": (fenced("javascript", SCRIPT), fenced("javascript", SCRIPT.replace("};\n}", "};\n"))),
    "javascript-bracket-too-many": (fenced("javascript", SCRIPT), fenced("javascript", SCRIPT.replace("0);", "0));"))),
    "javascript-debris": (fenced("javascript", SCRIPT), fenced("javascript", SCRIPT.replace("=", "€§"))),
    "javascript-cut": (fenced("javascript", SCRIPT), fenced("javascript", SCRIPT[:90])),
    "json-comma-at-the-end": (fenced("json", JSON), fenced("json", JSON.replace("20]", "20,]"))),
    "json-single-quotes": (fenced("json", JSON), fenced("json", JSON.replace('"', "'"))),
    "json-cut": (fenced("json", JSON), fenced("json", JSON[:30])),
    "xml-tag-left-open": (fenced("xml", XML), fenced("xml", XML.replace("</name>", ""))),
    "xml-bare-ampersand": (fenced("xml", XML), fenced("xml", XML.replace("north", "north & south"))),
    "c-brace-missing": (fenced("c", "int main(void) { return 0; }"), fenced("c", "int main(void) { return 0;")),
}
