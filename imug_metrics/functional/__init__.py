# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Pure functions, the functional counterparts of the metric classes: tensors and strings in, tensors out.

`imug_metrics` lists them; here they are found by name, as in `from imug_metrics.functional import turn_consistency`.
"""

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imug_metrics import *


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return __dir__()
    if name in __dir__():
        return getattr(_listed(), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    public = _listed()
    return [
        name for name in public.__all__ if getattr(vars(public).get(name), "__module__", "").startswith(f"{__name__}.")
    ]


def _listed() -> Any:
    """The package above, which has been imported before this one and lists the public names."""
    return sys.modules[__name__.rpartition(".")[0]]
