# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What of a suite travels: its metrics in their order with their states, and how it calls and feeds them."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, TypeVar

from torchmetrics import Metric

from imug_metrics.encoders.fingerprint import lasting_fingerprint
from imug_metrics.errors import InputError
from imug_metrics.metrics.metric_collections import Arguments, merge_metrics, restored_metrics, saved_ends
from imug_metrics.metrics.saved_metric import own_state
from imug_metrics.metrics.state_file import SavedState, join_states
from imug_metrics.suite.carried import CARRIED_FIELDS, CarriedField, carried_key, check_names
from imug_metrics.suite.items import ITEM_SCORES
from imug_metrics.suite.named_scores import NamedCost, NamedScore
from imug_metrics.suite.reference_consistency import ReferenceConsistency
from imug_metrics.suite.standard import StandardMetrics, TurnsWithoutKey
from imug_metrics.suite.thumbnail_style import ThumbnailStyle

if TYPE_CHECKING:
    from imug_metrics.encoders import CachedEncoder
    from imug_metrics.suite.suite import ImugSuite

Suite = TypeVar("Suite", bound="ImugSuite")

_CLASSES = (NamedScore, NamedCost, ReferenceConsistency, ThumbnailStyle, TurnsWithoutKey)


def saved_suite(suite: ImugSuite) -> SavedState:
    """The state of a suite.

    Raises:
        InputError: if one of its metrics is of another package.
    """
    return join_states(
        "ImugSuite",
        {name: own_state(name, suite[name]) for name in suite.names},
        ends=[suite.prefix, suite.postfix],
        given=sum(name in suite._given for name in suite.names),
        standard=bool(suite._standard),
        carried=[[field, name] for field, name in suite._carried.values()],
        score_ranges={name: list(ends) for name, ends in suite.score_ranges.items()},
        had_records=suite._had_records,
        encoder=suite.encoder_name,
        fingerprint=suite.encoder_fingerprint,
    )


def restored_suite(
    kind: type[Suite],
    saved: SavedState,
    encoder: CachedEncoder | None,
    classes: Collection[type[Metric]],
    arguments: Arguments,
) -> Suite:
    """The suite of a saved state, see `ImugSuite.from_bytes`."""
    if saved.get("class", str) != "ImugSuite":
        raise InputError("data", "to be the state of ImugSuite", f"that of {saved.content['class'][:80]}")
    known, fingerprint = (saved.get(entry, str, type(None)) for entry in ("encoder", "fingerprint"))
    if encoder is not None:
        _check_encoder(encoder, known, fingerprint)
    metrics = restored_metrics(saved, (*_CLASSES, *classes), arguments)
    names, carried = list(metrics), _carried(saved)
    given = {name: metrics[name] for name in names[: saved.get("given", int)]}
    try:
        prefix, postfix = saved_ends(saved)
        suite = kind(
            StandardMetrics(given) if saved.get("standard", bool) else given,
            encoder=encoder,
            score_ranges=saved.get("score_ranges", dict),
            prefix=prefix,
            postfix=postfix,
        )
        suite.add_metrics({name: metrics[name] for name in names if name not in (*given, *carried)})
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise InputError("data", "to be the state of an ImugSuite", repr(str(error))[:300]) from error
    for key, (field, name) in carried.items():
        if key not in given:
            made = NamedCost if field == "costs" else NamedScore
            metric = metrics.get(key)
            if not isinstance(metric, made) or metric.name != key:
                raise InputError("data", f"to hold a {made.__name__} of each of the {field}", repr(name[:80]))
            suite._hold_carried(key, metric)
        suite._carried[key] = field, name
    suite._had_records, suite._known_encoder = saved.get("had_records", bool), (known, fingerprint)
    return suite


def merge_suites(first: ImugSuite, other: ImugSuite) -> None:
    """Add the states of a suite to those of another, see `ImugSuite.merge_state`."""
    mine, others = ({name: suite[name] for name in suite.names} for suite in (first, other))
    new = {key: others[key] for key in other._made if key not in first._made}
    _check_encoders(first, other)
    _check_ranges(first, other)
    _check_fed_alike(first, other)
    check_names(
        {key for key in new if other._carried[key][0] == "scores"}, [*mine, *ITEM_SCORES, *first._group_columns]
    )
    both = {name: metric for name, metric in mine.items() if name in others or name not in first._made}
    merge_metrics(both, {name: metric for name, metric in others.items() if name not in new})
    for key, metric in new.items():
        first._hold_carried(key, metric.clone())
    first._carried |= {key: place for key, place in other._carried.items() if key not in first._carried}
    first.score_ranges = {**other.score_ranges, **first.score_ranges}
    first._had_records = first._had_records or other._had_records
    first._known_encoder = (
        first.encoder_name or other.encoder_name,
        first.encoder_fingerprint or other.encoder_fingerprint,
    )


def _carried(saved: SavedState) -> dict[str, tuple[CarriedField, str]]:
    """Scores and costs that records carried, by the names of their scores."""
    found: dict[str, tuple[CarriedField, str]] = {}
    for entry in saved.get("carried", list):
        if not isinstance(entry, list) or len(entry) != 2 or not all(isinstance(part, str) for part in entry):
            raise InputError("data", "to hold fields and names of what records carry", repr(entry)[:80])
        field, name = entry
        if field not in CARRIED_FIELDS:
            raise InputError("data", "to hold scores and costs of records", repr(field[:80]))
        found[carried_key(field, name)] = field, name
    return found


def _check_encoder(encoder: CachedEncoder, name: str | None, fingerprint: str | None) -> None:
    """Raise InputError unless an encoder is the one of saved states."""
    if encoder.name != name:
        expected = "to be absent: the states need none" if name is None else f"to be {name!r}, as before"
        raise InputError("encoder", expected, repr(encoder.name))
    now = lasting_fingerprint(encoder)
    if None not in (fingerprint, now) and fingerprint != now:
        raise InputError("encoder", f"to be {name!r} with the weights and preprocessing of before", "others")


def _check_encoders(first: ImugSuite, other: ImugSuite) -> None:
    mine, theirs = first.encoder_name, other.encoder_name
    if None not in (mine, theirs) and mine != theirs:
        raise InputError("other", f"to hold embeddings of {mine!r}", repr(theirs))
    known = {first.encoder_fingerprint, other.encoder_fingerprint}
    if None not in known and len(known) > 1:
        raise InputError("other", f"to hold embeddings of {mine!r} with the same weights and preprocessing", "others")


def _check_ranges(first: ImugSuite, other: ImugSuite) -> None:
    for name, ends in other.score_ranges.items():
        if first.score_ranges.get(name, ends) != ends:
            raise InputError("other", f"to hold scores {name!r} from {first.score_ranges[name]}", ends)


def _check_fed_alike(first: ImugSuite, other: ImugSuite) -> None:
    """Raise where one suite fed a metric with a score that records carry, and the other fed it with something else."""
    for one, two in ((first, other), (other, first)):
        for key in one._carried:
            if key not in one._made and key not in two._carried and two[key].update_called:
                raise InputError("other", f"to feed {key} with the same", "the score of records in one of them alone")
