# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The suites of several models as the bytes of one file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from torchmetrics import Metric

from imug_metrics.encoders.loading import as_cached_encoder
from imug_metrics.metrics.state_file import SavedState, join_states, part_states, read_state, write_state
from imug_metrics.suite.saved_suite import restored_suite, saved_suite
from imug_metrics.suite.suite import ImugSuite


def suites_to_bytes(suites: Mapping[str, ImugSuite | SavedState]) -> bytes:
    """Suites by the names of their models, see `ImugSuite.to_bytes`.

    Args:
        suites: by model the suite, or what `saved_suite` gave of it.

    Raises:
        InputError: if a metric is one of another package.

    Example:
        >>> found = suites_from_bytes(suites_to_bytes({"mine": ImugSuite(), "other": ImugSuite()}))
        >>> list(found)
        ['mine', 'other']
    """
    states = {name: suite if isinstance(suite, SavedState) else saved_suite(suite) for name, suite in suites.items()}
    return write_state(join_states("models", states))


def suites_from_bytes(
    data: bytes | bytearray | memoryview,
    *,
    encoder: Any = None,
    classes: Collection[type[Metric]] = (),
    name: str = "model",
) -> dict[str, ImugSuite]:
    """The suites by the names of their models.

    Args:
        data: what `suites_to_bytes` gave, or `ImugSuite.to_bytes` of one suite.
        encoder, classes: as in `ImugSuite.from_bytes`.
        name: of the model of one suite, which has none.

    Raises:
        InputError: as `ImugSuite.from_bytes` does.
    """
    saved, cached = read_state(data), as_cached_encoder(encoder)
    if saved.get("class", str) != "models":
        return {name: restored_suite(ImugSuite, saved, cached, classes, {})}
    return {model: restored_suite(ImugSuite, part, cached, classes, {}) for model, part in part_states(saved).items()}
