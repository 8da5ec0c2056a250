# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A metric whose state travels as bytes, and is made anew from them elsewhere."""

# No `from __future__ import annotations`: a metric class is in this file.

from collections.abc import Collection, Mapping
from typing import Any, cast

import torch
from torch import Tensor
from torchmetrics import Metric
from typing_extensions import Self

from imug_metrics.errors import InputError
from imug_metrics.metrics.saved_arguments import ENCODER, OF_PROCESS, MadeWith, plain_arguments
from imug_metrics.metrics.state import expected_shapes
from imug_metrics.metrics.state_file import SavedState, read_state, write_state

_MOST_UPDATES = 2**53


class SavedMetric:
    """What metrics and breakdowns ask for `to_bytes` and `from_bytes`: it remembers what it was made with.

    What is no plain value among its arguments, such as a function, does not travel and is given again.
    """

    _made_with: MadeWith

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Remember the arguments of the whole call, whatever a subclass hands on."""
        metric = super().__new__(cls)
        metric.__dict__["_made_with"] = MadeWith(cls, args, kwargs)
        return metric

    def to_bytes(self) -> bytes:
        """This metric's class, arguments and state as the bytes of a safetensors file.

        Of several processes it is the state of this one. There are no records, no embeddings and no encoder in it, only
        the encoder's name.

        Returns:
            About 100 kB and 8 bytes a sum; with `bootstrap` 8 bytes a sum and replicate more. Equal states give equal
            bytes.

        Raises:
            InputError: if a number of turns or replicates is beyond 65,536, or one of groups beyond 4,096.

        Example:
            >>> from imug_metrics import TurnDecay
            >>> metric = TurnDecay()
            >>> metric.update([[0.9, 0.8, 0.6]], dialogue=["a"])
            >>> restored = TurnDecay.from_bytes(metric.to_bytes())
            >>> restored.update_count, float(restored.compute()) == float(metric.compute())
            (1, True)
        """
        return write_state(self._saved())

    @classmethod
    def from_bytes(
        cls, data: bytes | bytearray | memoryview, *, classes: Collection[type[Metric]] = (), **arguments: Any
    ) -> Self:
        """The metric that `to_bytes` was called on, on the CPU.

        Args:
            data: the bytes. They may come from anywhere: nothing in them is run, imported or loaded.
            classes: metrics of your own that they may name, beside the class that this is called on and the public
                metrics of `imug_metrics`.
            arguments: those that did not travel: an `encoder`, to take images again; what was no plain value.

        Returns:
            A metric of the class that the bytes name, which is the one that this is called on or a subclass. Without
            its encoder it computes, merges and takes embeddings, and refuses images.

        Raises:
            InputError: if the bytes are damaged, of another version of the format, or no state of such a metric; or an
                argument is missing or another one.

        Example:
            >>> from imug_metrics import AnswerAccuracy, DialogueMetric, TurnDecay
            >>> data = AnswerAccuracy().to_bytes()
            >>> type(DialogueMetric.from_bytes(data)).__name__
            'AnswerAccuracy'
            >>> TurnDecay.from_bytes(data)
            Traceback (most recent call last):
            imug_metrics.errors.InputError: Expected argument `data` to be the state of TurnDecay, got that of
            AnswerAccuracy.
        """
        return cast("Self", restored_metric(read_state(data), cls, classes, arguments))

    def _saved(self) -> SavedState:
        """What travels."""
        made = self._made_with
        plain_arguments(made.plain)  # refuses what would not be read
        content = {
            "class": type(self).__name__,
            "arguments": made.plain,
            "others": [name for name in made.others if name not in OF_PROCESS],
            "updates": self.update_count,  # type: ignore[attr-defined]  # of every torchmetrics.Metric
        }
        return SavedState(content, {name: _as_tensor(value) for name, value in self.metric_state.items()})  # type: ignore[attr-defined]

    @classmethod
    def _arguments_of(cls, saved: SavedState, given: Mapping[str, Any], classes: Collection[type]) -> dict[str, Any]:
        """What to make the metric with."""
        found = plain_arguments(saved.get("arguments", dict)) | dict(given)
        lacking = [name for name in saved.get("others", list) if name not in (*found, ENCODER)]
        if lacking:
            raise InputError(str(lacking[0]), f"to be given again: it is not in the data of a {cls.__name__}")
        return found

    def _restore(self, saved: SavedState, updates: int) -> None:
        """Take over what travelled; ValueError if it is no state of this metric."""
        raise NotImplementedError


def restored_metric(saved: SavedState, kind: type, classes: Collection[type[Metric]], given: Mapping[str, Any]) -> Any:
    """The metric of a saved state.

    Args:
        saved: the state.
        kind: the class that it must be of, or a subclass of which.
        classes: that it may be of, beside the public ones.
        given: arguments that did not travel.

    Raises:
        InputError: as `SavedMetric.from_bytes` does.
    """
    found = _class_of(saved, kind, classes)
    updates = saved.get("updates", int)
    if not 0 <= updates <= _MOST_UPDATES:
        raise InputError("data", "to hold a number of updates", updates)
    arguments = found._arguments_of(saved, given, classes)
    rest = arguments.pop("*", ())
    try:
        with expected_shapes({name: tuple(value.shape) for name, value in saved.tensors.items()}):
            metric = found(*rest, **arguments)
    except ModuleNotFoundError:
        raise
    except Exception as error:  # whatever arguments that nobody vouches for bring about
        raise InputError("data", f"to hold arguments that make a {found.__name__}", repr(str(error))[:300]) from error
    try:
        metric._restore(saved, updates)
    except InputError:
        raise
    except ValueError as error:
        raise InputError("data", f"to hold the state of a {found.__name__}", repr(str(error))[:300]) from error
    return metric


def own_state(name: str, metric: Any) -> SavedState:
    """What travels of a metric.

    Raises:
        InputError: if it is one of another package, whose state nobody checks.
    """
    check_own(name, metric)
    return cast("SavedState", metric._saved())


def check_own(name: str, metric: Any) -> None:
    """Raise InputError for a metric of another package."""
    if not isinstance(metric, SavedMetric):
        raise InputError(name, "to be a metric of imug_metrics, whose state is checked", type(metric).__name__)


def _class_of(saved: SavedState, kind: type, classes: Collection[type[Metric]]) -> Any:
    """The class that a state names, of those that are known."""
    import imug_metrics
    from imug_metrics.metrics.function_metric import FunctionMetric

    name = saved.get("class", str)
    public = [vars(imug_metrics)[name]] if name in imug_metrics.__all__ and name in vars(imug_metrics) else []
    known = {found.__name__: found for found in (*public, FunctionMetric, *classes, kind) if isinstance(found, type)}
    found = known.get(name)
    if found is None or not issubclass(found, SavedMetric):
        cure = "" if not name.isidentifier() else "; name a class of your own in `classes`"
        raise InputError("data", "to be the state of a metric of imug_metrics", f"{name[:80]!r}{cure}")
    if not issubclass(found, kind):
        raise InputError("data", f"to be the state of {kind.__name__}", f"that of {name}")
    return found


def _as_tensor(state: Tensor | list[Tensor]) -> Tensor:
    """A state as one tensor; rows stand one behind the other."""
    if isinstance(state, Tensor):
        return state
    return torch.cat([*state]) if state else torch.zeros(0)
