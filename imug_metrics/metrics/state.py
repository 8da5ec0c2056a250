# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The state of a metric: what may be taken over from elsewhere, and metrics that change together or not at all."""

import sys
import weakref
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torchmetrics import Metric

from imug_metrics.stats.bounded_sample import check_sample, merge_samples

if TYPE_CHECKING:
    from imug_metrics.metrics.additive_metric import AdditiveMetric


def check_state(metric: "AdditiveMetric", state: Any) -> None:
    """Raise ValueError unless a state is one of a metric's class and configuration, whole and finite.

    Args:
        metric: that would take it over.
        state: by name, a tensor of the default's shape and dtype, or where the default is a list, rows as a tensor or
            as a list of tensors.

    Example:
        >>> from imug_metrics import TurnDecay
        >>> check_state(TurnDecay(), TurnDecay(max_turns=4).metric_state)
        Traceback (most recent call last):
        ValueError: Expected the state of a TurnDecay with the same configuration.
    """
    name = type(metric).__name__
    if not isinstance(state, Mapping):
        raise ValueError(f"Expected the state of a {name} by name, got {type(state).__name__}.")
    if state.keys() != metric._defaults.keys():
        raise ValueError(f"Expected the state of a {name} to hold {[*metric._defaults]}, got {[*state]}.")
    _check_tensor(f"{name}.config", state["config"], metric.config)
    if not torch.equal(state["config"].cpu(), metric.config.cpu()):
        raise ValueError(f"Expected the state of a {name} with the same configuration.")
    for key, default in metric._defaults.items():
        if isinstance(default, Tensor):
            _check_tensor(f"{name}.{key}", state[key], default)
            if metric._reductions[key] is merge_samples:
                check_sample(f"{name}.{key}", state[key])
        else:
            for rows in state[key] if isinstance(state[key], (list, tuple)) else [state[key]]:
                _check_rows(f"{name}.{key}", rows, metric._width_of(key))


_EXPECTED: ContextVar[Mapping[str, tuple[int, ...]] | None] = ContextVar("shapes of states", default=None)


@contextmanager
def expected_shapes(shapes: Mapping[str, tuple[int, ...]] | None) -> Iterator[None]:
    """Metrics that are made meanwhile have states of these shapes, by name: others are refused before they take memory.

    Example:
        >>> from imug_metrics import TurnDecay
        >>> with expected_shapes({"packed": (14592,)}):
        ...     TurnDecay(detail=True, max_turns=20_000)  # of 12.8 GB
        Traceback (most recent call last):
        ValueError: Expected the state packed to have shape (14592,), got one of (1601292544,).
    """
    token = _EXPECTED.set(shapes)
    try:
        yield
    finally:
        _EXPECTED.reset(token)


def check_shape(name: str, shape: tuple[int, ...]) -> None:
    """Raise ValueError where another shape is expected of a state that is about to be made."""
    shapes = _EXPECTED.get()
    if shapes is not None and shapes.get(name) != shape:
        raise ValueError(f"Expected the state {name} to have shape {shapes.get(name)}, got one of {shape}.")


@contextmanager
def all_or_none(metrics: Iterable[Metric]) -> Iterator[None]:
    """A batch that one of the metrics refuses is taken by none of them; what was added to in place stays in its place.

    Example:
        >>> from imug_metrics import TurnDecay
        >>> first, second = TurnDecay(), TurnDecay()
        >>> with all_or_none([first, second]):
        ...     first.update([[1.0, 0.0]])
        ...     second.update([[[[1.0]]]])
        Traceback (most recent call last):
        imug_metrics.errors.InputError: Expected argument `scores` to have shape [N] or [B, T], got [1, 1, 1, 1].
        >>> first.update_called
        False
    """
    saved = [(metric, _copied(metric), metric._update_count) for metric in metrics]
    try:
        yield
    except Exception:
        for metric, states, count in saved:
            for name, (state, copy) in states.items():
                is_own = state is not None and state() is getattr(metric, name) and can_change(getattr(metric, name))
                setattr(metric, name, getattr(metric, name).copy_(copy) if is_own else copy)
            metric._update_count, metric._computed = count, None
        raise


def can_change(state: Tensor) -> bool:
    """Whether a state may be added to in place: it carries no gradient, and is not one of inference mode outside it."""
    return not state.requires_grad and (torch.is_inference_mode_enabled() or not state.is_inference())


def leave_inference_mode(metric: Metric) -> None:
    """Make what an update in inference mode left in the state tensors like any others.

    Example:
        >>> from imug_metrics import TurnDecay
        >>> with torch.inference_mode():
        ...     metric = TurnDecay()
        >>> leave_inference_mode(metric)
        >>> metric.moments.is_inference()
        False
    """
    for name in metric._defaults:
        state = getattr(metric, name)
        if isinstance(state, Tensor):
            if state.is_inference():
                setattr(metric, name, state.clone())
            continue
        for place in range(len(state) - 1, -1, -1):  # the rows of this update are the last
            if not state[place].is_inference():
                break
            state[place] = state[place].clone()


def is_shared(holder: dict[str, Any], name: str) -> bool:
    """Whether somebody else holds the same tensor, as members of a group in a MetricCollection and `Running` do.

    Example:
        >>> holder = {"state": torch.zeros(1)}
        >>> is_shared(holder, "state")
        False
        >>> other = holder["state"]
        >>> is_shared(holder, "state")
        True
    """
    alone = {"state": object()}
    return sys.getrefcount(holder[name]) > sys.getrefcount(alone["state"])


def _copied(metric: Metric) -> dict[str, tuple[Any, Any]]:
    """Copies of a metric's states, in which lists share their entries; and of tensors which one it was.

    Weakly, since a state that is held here as well would not be changed in place.
    """
    states = {name: getattr(metric, name) for name in metric._defaults}
    return {
        name: (None, list(state)) if isinstance(state, list) else (weakref.ref(state), state.clone())
        for name, state in states.items()
    }


def _check_tensor(name: str, value: Any, default: Tensor) -> None:
    if not isinstance(value, Tensor):
        raise ValueError(f"Expected the state {name} to be a tensor, got {type(value).__name__}.")
    if value.shape != default.shape or value.dtype != default.dtype:
        expected, got = (f"{list(tensor.shape)} of {tensor.dtype}" for tensor in (default, value))
        raise ValueError(f"Expected the state {name} to be {expected}, got {got}.")
    _check_finite(name, value)


def _check_rows(name: str, rows: Any, width: int) -> None:
    if not isinstance(rows, Tensor) or rows.dtype != torch.float32 or rows.ndim != 1 or len(rows) % width:
        got = f"{list(rows.shape)} of {rows.dtype}" if isinstance(rows, Tensor) else type(rows).__name__
        raise ValueError(f"Expected the state {name} to be rows of {width} in [N] of torch.float32, got {got}.")
    _check_finite(name, rows)


def _check_finite(name: str, value: Tensor) -> None:
    if count := int((~value.isfinite()).sum()):
        raise ValueError(f"Expected the state {name} to be finite, got {count} entries that are not.")
