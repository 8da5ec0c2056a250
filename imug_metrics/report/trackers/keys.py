# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Names of scores as keys that every tracker takes."""

from __future__ import annotations

import re

_REFUSED = re.compile(
    r"""
    [^\w./ -]                        # MLflow takes letters, digits and these (and a colon, but not on Windows)
    | -(?=-)                         # would read as the beginning of an escape
    | ^/ | /(?=/|\Z)                 # MLflow's keys are paths: no empty parts
    | (?:^|(?<=/))\.(?=\.?(?:/|\Z)) | ^\.(?=\.)  # nor parts that lead elsewhere
    | ^_ | ^(?=(?:metrics|project|run|step|time|timestamp)\Z).  # W&B and trackio keep these to themselves
    """,
    re.VERBOSE,
)
_ESCAPE = re.compile("--([0-9A-F]+)-")


def tracker_key(name: str) -> str:
    """The key of a score's name: the same in every tracker, and another for every name.

    What one of them refuses is written as `--<code point in hex>-`; `read_key` gives the name back.

    Example:
        >>> tracker_key("my-model 2.5/turn_alignment_lower")
        'my-model 2.5/turn_alignment_lower'
        >>> tracker_key("answer_accuracy[Physics]"), tracker_key("time")
        ('answer_accuracy--5B-Physics--5D-', '--74-ime')
    """
    return _REFUSED.sub(lambda found: f"--{ord(found[0]):X}-", name)


def read_key(key: str) -> str:
    """The name that `tracker_key` made a key of.

    Example:
        >>> read_key("answer_accuracy--5B-Physics--5D-")
        'answer_accuracy[Physics]'
    """
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), key)
