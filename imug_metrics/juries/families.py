# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Which judges and models come from one house, as far as their names say so."""

from __future__ import annotations

import re

_FAMILY = re.compile(r"[^\W\d_]+")


def family_of(name: str) -> str:
    """The family of a model: the letters that its name begins with, after the last slash, in lower case.

    Example:
        >>> [family_of(name) for name in ("Qwen/Qwen2.5-VL-7B", "qwen3-vl", "openai/gpt-5", "gpt_image_1", "7B")]
        ['qwen', 'qwen', 'gpt', 'gpt', '7b']
    """
    last = name.rsplit("/", 1)[-1]
    found = _FAMILY.match(last)
    return (found[0] if found else last).lower()
