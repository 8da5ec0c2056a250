# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A metric whose state is added up: in place, in inference mode, whole or not at all, and restored only to its like."""

import functools
import hashlib
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities.data import dim_zero_max

from imug_metrics.dialogues.holders import unseen_values
from imug_metrics.metrics.saved_arguments import as_plain, function_name
from imug_metrics.metrics.saved_metric import SavedMetric
from imug_metrics.metrics.state import can_change, check_shape, check_state, is_shared, leave_inference_mode
from imug_metrics.metrics.state_file import SavedState
from imug_metrics.stats.bounded_sample import empty_sample, merge_samples


class AdditiveMetric(SavedMetric, Metric):
    """What `DialogueMetric` asks of its state, which batches, processes and checkpoints add to.

    A subclass lists in `configuration` the attributes that tell it from its like, and adds their `_digest` as the state
    `config`; the other states are sums, bounded samples of rows, or lists of rows of `row_width` numbers.

    Outside `forward` an `update` runs in inference mode, unless `in_inference_mode` is False. One that raises is not
    counted.
    """

    full_state_update = False

    configuration: tuple[str, ...] = ()
    row_width = 1
    in_inference_mode = True
    config: Tensor

    _set_aside: dict[str, Any] | None = None
    """Within `forward` the states of all earlier batches, in whose place stand those of its batch alone."""

    def merge_state(self, incoming_state: dict[str, Any] | Metric) -> None:
        """Add another metric's state, of the same class and configuration, to this one.

        Args:
            incoming_state: the other metric, or its `metric_state`.

        Raises:
            ValueError: if class or configuration differ, or it is no such state. Nothing is added then.
        """
        self.check_mergeable(incoming_state)
        state = incoming_state.metric_state if isinstance(incoming_state, Metric) else incoming_state
        super().merge_state(self._own(state))
        self._computed = None
        self._update_count += incoming_state.update_count if isinstance(incoming_state, Metric) else 1

    def check_mergeable(self, incoming_state: dict[str, Any] | Metric) -> None:
        """Raise ValueError where `merge_state` does."""
        check_state(self, incoming_state.metric_state if isinstance(incoming_state, Metric) else incoming_state)

    def add_sums(self, name: str, *shape: int) -> None:
        """Add a state of float64 sums, which are added up over batches and processes.

        Args:
            name: of the state.
            shape: its shape, which no batch changes.
        """
        check_shape(name, shape)
        self.add_state(name, torch.zeros(shape, dtype=torch.float64), dist_reduce_fx="sum")

    def add_sample(self, name: str, size: int, width: int) -> None:
        """Add a state that is a bounded sample of rows, see `imug_metrics.stats.bounded_sample`.

        Args:
            name: of the state.
            size: the most rows that it keeps.
            width: numbers of a row, beside its key.
        """
        check_shape(name, (size, 1 + width))
        self.add_state(name, empty_sample(size, width), dist_reduce_fx=merge_samples)

    def _restore(self, saved: SavedState, updates: int) -> None:
        """Take over a saved state of the same class and configuration."""
        check_state(self, saved.tensors)
        for name, value in self._own(saved.tensors).items():
            rows = isinstance(value, list)
            setattr(self, name, [part for part in value if len(part)] if rows else value)
        self._update_count, self._computed = updates, None

    def _wrap_update(self, update: Callable[..., None]) -> Callable[..., None]:
        """`update` in inference mode, where PyTorch keeps no books for derivatives; within `forward` it keeps them.

        One that is refused is not counted.
        """

        @functools.wraps(update)
        def wrapped(*args: Any, **kwargs: Any) -> None:
            inference = self.in_inference_mode and not self._enable_grad
            try:
                unseen = unseen_values() if self.device.type == "meta" else nullcontext()
                with unseen, torch.inference_mode() if inference else nullcontext():
                    update(*args, **kwargs)
            except BaseException:
                self._update_count -= 1  # torchmetrics has counted it before
                raise
            if inference and not torch.is_inference_mode_enabled():
                leave_inference_mode(self)

        return super()._wrap_update(wrapped)

    def _forward_reduce_state_update(self, *args: Any, **kwargs: Any) -> Any:
        """A batch's own value, and the batch added; one that is refused leaves the state as it was."""
        value, batch = self._batch_state(*args, **kwargs)
        self._update_count += 1
        self._add_states(batch)
        return value

    def _batch_state(self, *args: Any, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        """A batch's own value and state; the metric is then as before."""
        names = [name for name in self._defaults if name != "config"]  # which no batch changes
        kept, count = {name: getattr(self, name) for name in names}, self._update_count
        for name in names:
            default = self._defaults[name]
            setattr(self, name, [] if isinstance(default, list) else default.detach().clone().to(self.device))
        self._to_sync, self._should_unsync, self._enable_grad = self.dist_sync_on_step, False, True
        self._set_aside = kept
        on_cpu, self.compute_on_cpu = self.compute_on_cpu, False
        try:
            self.update(*args, **kwargs)
            return self.compute(), {name: getattr(self, name) for name in names}
        finally:
            for name, state in kept.items():
                setattr(self, name, state)
            self._set_aside = None
            self._update_count, self._computed, self._is_synced = count, None, False
            self._to_sync, self._should_unsync, self._enable_grad = self.sync_on_compute, True, False
            self.compute_on_cpu = on_cpu

    @torch.no_grad()
    def _add_states(self, batch: dict[str, Any]) -> None:
        """Add the states of a batch; one that somebody else holds as well is left to them."""
        for name, added in batch.items():
            shared = is_shared(vars(self), name)  # asked before another reference is held here
            state = getattr(self, name)
            if isinstance(added, list):
                setattr(self, name, [*state, *added])
                continue
            in_place = not shared and can_change(state)
            if self._reductions[name] is dim_zero_max:
                setattr(self, name, torch.maximum(state, added))
            elif self._reductions[name] is merge_samples:
                merged = merge_samples(torch.stack([state, added]))
                setattr(self, name, state.copy_(merged) if in_place else merged)
            elif in_place:
                state.add_(added)
            else:
                setattr(self, name, state + added)
        if self.compute_on_cpu:
            self._move_list_states_to_cpu()

    def reset(self) -> None:
        """Forget all records; the memory of a state that nobody else holds stays where it is."""
        kept = {
            name: getattr(self, name)
            for name, default in self._defaults.items()
            if isinstance(default, Tensor) and not is_shared(vars(self), name) and can_change(getattr(self, name))
        }
        for name, default in self._defaults.items():
            if isinstance(default, list):
                setattr(self, name, [])  # not emptied in place: wrappers such as `Running` still hold the rows
        super().reset()
        for name, state in kept.items():
            setattr(self, name, state.copy_(getattr(self, name)))

    def count_updates(self, updates: int) -> None:
        """Take note of updates that Python did not see: call it after replaying a CUDA graph that holds `update`.

        Args:
            updates: how many updates the replays made. A result that was computed before is computed anew.
        """
        self._update_count, self._computed = self._update_count + updates, None

    def _increase(self, name: str, added: Tensor) -> None:
        """Add to a state: in place, so that its memory stays, unless it or what is added carries a gradient."""
        state: Tensor = getattr(self, name)
        if added.requires_grad or not can_change(state):
            setattr(self, name, state + added)
        else:
            state.add_(added)

    def _replace(self, name: str, value: Tensor) -> None:
        """Put numbers in the place of a state's: in its memory, unless that may not be changed."""
        state: Tensor = getattr(self, name)
        setattr(self, name, state.copy_(value) if can_change(state) else value)

    def _width_of(self, rows: str) -> int:
        """Numbers of a row of a state that is a list."""
        return self.row_width

    def _digest(self) -> Tensor:
        """Configuration as a state, so that a MetricCollection never takes two look-alikes for one."""
        settings = {name: repr(as_plain(getattr(self, name), function_name)) for name in sorted(self.configuration)}
        text = f"{type(self).__name__}{settings}"
        return torch.tensor(list(hashlib.blake2b(text.encode(), digest_size=16).digest()), dtype=torch.uint8)

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Take over a state of the same class and configuration; any other leaves this metric as it was."""
        found = {name: state_dict.pop(prefix + name) for name in self._defaults if prefix + name in state_dict}
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )
        if not found:
            missing_keys += [prefix + name for name, kept in self._persistent.items() if kept]
            return
        try:
            check_state(self, found)
        except ValueError as error:
            error_msgs.append(str(error))
            return
        for name, value in self._own(found).items():
            setattr(self, name, value)
        self._update_count, self._computed = max(self._update_count, 1), None

    def _own(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """A copy of a state on the metric's device, its rows in lists."""
        parts = {name: list(value) if isinstance(value, (list, tuple)) else [value] for name, value in state.items()}
        own = {name: [part.detach().clone().to(self.device) for part in values] for name, values in parts.items()}
        return {
            name: own[name] if isinstance(default, list) else own[name][0] for name, default in self._defaults.items()
        }

    def _apply(self, fn: Any, exclude_state: Any = "") -> torch.nn.Module:
        """Move the state between devices, never between dtypes: `model.bfloat16()` must not round the sums."""
        return super()._apply(lambda t: t.to(fn(t.new_empty(0, dtype=torch.float32)).device), exclude_state)
