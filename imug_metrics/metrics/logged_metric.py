# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A metric that a trainer logs."""

# No `from __future__ import annotations`: metric classes are in this file.

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from imug_metrics.metrics.exports import log_scores
from imug_metrics.metrics.options import INTERVAL, Detail, check_detail


class LoggedMetric:
    """What `DialogueMetric` and `Breakdown` ask to be logged by Lightning, whatever their `compute` gives.

    A subclass says in `primary_keys` under which keys its primary estimates stand, its own name first.
    """

    @property
    def primary_keys(self) -> list[str]:
        """Keys of the primary estimates in a result, that of all records first."""
        raise NotImplementedError

    def compute(self) -> Tensor | dict[str, Tensor]:
        """The primary estimate, or a dict."""
        raise NotImplementedError

    def log(
        self, module: Any, name: str | None = None, *, prefix: str = "", detail: Detail = "interval", **options: Any
    ) -> None:
        """Compute and log in a hook of a `LightningModule`, such as `on_validation_epoch_end`.

        Lightning's own `self.log("x", metric)` takes metrics without `detail` alone; this takes all. The numbers are
        those of all processes already, so `sync_dist` has nothing to add. What is undefined or infinite is left out.
        Call `reset` behind it.

        Args:
            module: the `LightningModule`, or anything else with its `log_dict`.
            name: what the keys begin with in place of the metric's name.
            prefix: before all keys, such as `"val/"`.
            detail: the most that is logged: False the primary estimate, `"interval"` also its bounds and number of
                records, True all that the metric gives.
            options: of `log_dict`, such as `prog_bar` and `batch_size`.

        Raises:
            ArgumentError: if `module` has no `log_dict`.
            ValueError: if `detail` is unknown.

        Example:
            >>> from imug_metrics import TurnDecay
            >>> class Module:
            ...     def log_dict(self, scores, **options):
            ...         print(*(f"{key} {score:.2f}" for key, score in scores.items()), sep=", ")
            >>> metric = TurnDecay(detail=True)
            >>> metric.update([[0.9, 0.8, 0.6], [0.7, 0.5, 0.5]])
            >>> metric.log(Module(), prefix="val/", prog_bar=True)
            val/turn_decay -0.12, val/turn_decay_lower -0.44, val/turn_decay_upper 0.19, val/turn_decay_n 6.00
        """
        shown = self.shown(self.compute(), detail)
        own = self.primary_keys[0]
        begin = f"{prefix}{own if name is None else name}"
        log_scores(module, {f"{begin}{key.removeprefix(own)}": score for key, score in shown.items()}, options)

    def shown(self, result: Any, detail: Detail) -> dict[str, Any]:
        """Of a result of `compute` what is in the given form, by key; all of it where it holds less.

        Args:
            result: the scalar or the dict.
            detail: as in `log`.

        Raises:
            ValueError: if `detail` is unknown.
        """
        check_detail(detail)
        scores = dict(result) if isinstance(result, Mapping) else {self.primary_keys[0]: result}
        if detail is True:
            return scores
        ends = INTERVAL if detail else INTERVAL[:1]
        return {key: scores[key] for name in self.primary_keys for end in ends if (key := f"{name}{end}") in scores}
