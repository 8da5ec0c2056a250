# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The figures of an evaluation for papers and slides, drawn by `imug_metrics.plots` and written as SVG, PDF or PNG."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from imug_metrics import plots
from imug_metrics._optional import require
from imug_metrics.errors import ArgumentError
from imug_metrics.plots.saving import FORMATS
from imug_metrics.report.breakdown import GroupedMetric, breakdowns
from imug_metrics.report.comparison import MetricComparison, compare_models
from imug_metrics.report.comparison_table import joint
from imug_metrics.report.cut import cut
from imug_metrics.report.estimates import Estimate, as_float, curve, estimate, mean
from imug_metrics.report.folder_index import indexed_files, write_index
from imug_metrics.report.marks import mean_chance
from imug_metrics.report.metric_specs import (
    ALIGNMENT_GAP,
    EXPOSURE,
    MetricSpec,
    check_models,
    compares_histories,
    is_missing,
    records_by_turn,
    shown_metrics,
)
from imug_metrics.report.sanitize import plain
from imug_metrics.report.tables.names import file_names, numbered

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from imug_metrics.suite import ModelScores

Draw: TypeAlias = "Callable[[], Figure]"

MOST_PAIRS = 45
"""Pairs of models that a figure shows; of more, those of models that can be the first."""

MOST_LINES = 60
"""Lines of groups and models that a figure shows; of more, each model has a figure of its own."""

_FILE = re.compile(rf"[a-z0-9_]+\.({'|'.join(FORMATS)})")
_LONGEST = 40  # letters of a name that others gave
_BY_DIALOGUE = "95 % interval by dialogue"
_HISTORIES = (
    ("gap_answers", EXPOSURE, "turn", "gap of answers"),
    ("gap_excess", EXPOSURE, "excess", "excess error (%)"),
    ("gap_alignment", ALIGNMENT_GAP, "turn", "gap of alignment"),
)


def figures(models: Sequence[ModelScores], compared: Sequence[MetricComparison] | None = None) -> dict[str, Draw]:
    """What can be drawn of an evaluation, by the stem of its file's name; each entry draws its figure when called.

    - `curve_<metric>`: the score over turns, a line a model
    - `slopes`: the change per turn of every score
    - `differences_<metric>`: every two models, with the bounds that hold for all pairs; of two models or more
    - `by_<group>_<metric>`: the score by class, domain or any other group of records, where there are groups
    - `heat_map_<metric>_<model>`: the score by dialogue and turn, the worst dialogue on top
    - `gap_answers`, `gap_excess`, `gap_alignment`: own against reference history, where both were scored

    Values and bounds are those of the tables. Names that others gave are shown as they are, cut to 40 letters.

    Args:
        models: scores of at least one model, names unique.
        compared: the models in pairs, as `compare_models` gives them; None: compared now.

    Returns:
        By name, functions without arguments that return a matplotlib figure.

    Raises:
        ValueError: if `models` is empty or names a model twice.

    Example:
        >>> from imug_metrics.suite import ModelScores
        >>> scores = {"turn_alignment": 0.5, "turn_alignment_turn_1": 0.6, "turn_alignment_turn_2": 0.4}
        >>> drawn = figures([ModelScores("mine", scores, [])])
        >>> list(drawn), drawn["curve_turn_alignment"]().axes[0].get_ylabel()
        (['curve_turn_alignment'], 'alignment')
    """
    check_models(models)
    if compared is None:
        compared = compare_models(models)
    metrics, named = shown_metrics(models), dict(zip(_names(model.model for model in models), models, strict=True))
    return {
        **_curves(named, metrics),
        **_slopes(named, metrics),
        **_differences([*named], compared),
        **_groups(named),
        **_heat_maps(named, metrics),
        **_histories(named),
    }


def write_figures(
    models: Sequence[ModelScores],
    folder: str | Path,
    formats: Sequence[str] = ("svg", "pdf"),
    compared: Sequence[MetricComparison] | None = None,
) -> list[Path]:
    """Write all `figures` into `folder/figures`, which is made where it is not there.

    Those of an earlier call that are no longer drawn go away; one that is stays in formats that are not written now.

    Args:
        models, compared: see `figures`.
        folder: where the other files of the evaluation are.
        formats: "svg", "pdf", "png".

    Returns:
        The files.

    Raises:
        ArgumentError: if a format is unknown.
        ModuleNotFoundError: if matplotlib is not installed.
        ValueError: if `models` is empty or names a model twice.
    """
    unknown = [kind for kind in formats if kind not in FORMATS]
    if isinstance(formats, str) or unknown:
        raise ArgumentError("formats", f"expected a list of {', '.join(FORMATS)}, got {unknown or formats!r}")
    plt = require("matplotlib.pyplot", extra="report", purpose="Plotting")
    drawn = figures(models, compared)
    out = Path(folder) / "figures"
    out.mkdir(parents=True, exist_ok=True)
    earlier = indexed_files(out, _FILE)
    paths = []
    for name, draw in drawn.items():
        figure = draw()
        paths += [plots.save(figure, out / f"{name}.{kind}") for kind in formats]
        plt.close(figure)
    gone = {name for name in earlier if Path(name).stem not in drawn}
    write_index(out, "figures", sorted({*(path.name for path in paths), *earlier} - gone), gone)
    return paths


def _curves(named: Mapping[str, ModelScores], metrics: Sequence[MetricSpec]) -> dict[str, Draw]:
    names = file_names((view.key for view in metrics), "curve_")
    found = {name: _lines(named, view.key) for name, view in zip(names, metrics, strict=True)}
    return {
        name: partial(_curve, named, view, found[name])
        for name, view in zip(names, metrics, strict=True)
        if _any_known(found[name])
    }


def _curve(
    named: Mapping[str, ModelScores], view: MetricSpec, lines: Mapping[str, Mapping[int, plots.Point]]
) -> Figure:
    counts = {name: records_by_turn(model.items, view.item) if view.item else {} for name, model in named.items()}
    level = mean_chance(named.values(), view)
    said = "\n".join([f"bands: {_BY_DIALOGUE}", *_counts(named.values(), view)])
    return plots.curves(lines, counts=counts, y=_words(view), reference=level, note=said)[0]


def _slopes(named: Mapping[str, ModelScores], metrics: Sequence[MetricSpec]) -> dict[str, Draw]:
    rows = {
        view.label: {name: _point(estimate(model.scores, f"{view.key}_slope")) for name, model in named.items()}
        for view in metrics
    }
    rows = {label: row for label, row in rows.items() if any(point.known for point in row.values())}
    said = f"bars: {_BY_DIALOGUE}"
    return {"slopes": partial(_forest, rows, "change per turn, in each score's own unit", said)} if rows else {}


def _differences(names: Sequence[str], compared: Sequence[MetricComparison]) -> dict[str, Draw]:
    stems = file_names((metric.key for metric in compared), "differences_")
    return {
        stem: partial(_difference, names, metric)
        for stem, metric in zip(stems, compared, strict=True)
        if any(joint(pair).known for pair in metric.differences)
    }


def _difference(names: Sequence[str], metric: MetricComparison) -> Figure:
    pairs, said = metric.differences, "bars: 95 % intervals that hold for all pairs"
    if len(pairs) > MOST_PAIRS:
        firsts = {place for place, (first, _) in enumerate(metric.ranks) if first == 1}
        pairs = tuple(pair for pair in pairs if firsts & {pair.first, pair.second})
        said += "\npairs with a model that can be the first"
    rows = {f"{names[pair.first]} − {names[pair.second]}": _point(joint(pair)) for pair in pairs}
    change = ", change per turn" if metric.slope else ""
    return _forest(rows, f"difference in {_words(metric.view)}{change}", said)


def _groups(named: Mapping[str, ModelScores]) -> dict[str, Draw]:
    found = [*_by_group(named)]
    return dict(zip(numbered(stem for stem, _ in found), (draw for _, draw in found), strict=True))


def _by_group(named: Mapping[str, ModelScores]) -> Iterator[tuple[str, Draw]]:
    """Stems that two kinds of groups, or a kind and a metric, may have alike."""
    found = breakdowns([*named.values()])
    kinds = file_names((grouping.group for grouping in found), "by_")
    for kind, grouping in zip(kinds, found, strict=True):
        stems = file_names((of.metric.key for of in grouping.metrics), f"{kind}_")
        for stem, of in zip(stems, grouping.metrics, strict=True):
            if len(grouping.names) * len(named) <= MOST_LINES:
                yield stem, partial(_group, grouping.names, of, [*named])
                continue
            for name, own in zip([*named], file_names(named, f"{stem}_"), strict=True):
                yield own, partial(_group, grouping.names, of, [*named], name)


def _group(groups: Sequence[str], of: GroupedMetric, models: Sequence[str], only: str | None = None) -> Figure:
    shown = {name: values for name, values in zip(models, of.estimates, strict=True) if only in (None, name)}
    rows = {
        label: {model: _point(values.get(group, Estimate(math.nan))) for model, values in shown.items()}
        for group, label in zip(groups, _names(groups), strict=True)
    }
    said = f"bars: {_BY_DIALOGUE}" if only is None else f"{only}\nbars: {_BY_DIALOGUE}"
    return _forest(rows, _words(of.metric), said, math.nan)


def _heat_maps(named: Mapping[str, ModelScores], metrics: Sequence[MetricSpec]) -> dict[str, Draw]:
    pairs = [(view, name) for view in metrics if view.item for name, model in named.items() if _scores(model, view)]
    stems = file_names((f"{view.key}_{name}" for view, name in pairs), "heat_map_")
    return {stem: partial(_heat_map, named, view, name) for stem, (view, name) in zip(stems, pairs, strict=True)}


def _heat_map(named: Mapping[str, ModelScores], view: MetricSpec, name: str) -> Figure:
    table: dict[str, dict[int, float]] = {}
    for row in named[name].items:
        value = as_float(row.get(view.item))
        if view.modality in ("", row.get("modality")) and (is_missing(row) or not math.isnan(value)):
            table.setdefault(str(row["dialogue"]), {})[int(row["turn"])] = value
    means = {dialogue: mean(row.values()) for dialogue, row in table.items()}
    fails_low = view.higher_is_better is not False
    order = sorted(means, key=lambda one: (not math.isnan(means[one]), means[one] if fails_low else -means[one]))
    rows = dict(zip(_names(order), (table[dialogue] for dialogue in order), strict=True))
    scores = [score for model in named.values() for score in _scores(model, view)]  # one scale for all models
    limits = (0.0, 1.0) if view.is_share else (min(scores), max(scores))
    worst = "the worst on top" if view.higher_is_better is not None else "the lowest on top"
    said = f"{name}: {len(rows)} dialogues, {worst}"
    return plots.heat_map(rows, label=_words(view), limits=limits, note=said)[0]


def _histories(named: Mapping[str, ModelScores]) -> dict[str, Draw]:
    both = {name: model for name, model in named.items() if compares_histories(model)}
    found = {stem: (_lines(both, key, over), y) for stem, key, over, y in _HISTORIES}
    return {stem: partial(_gap, lines, y) for stem, (lines, y) in found.items() if _any_known(lines)}


def _gap(lines: Mapping[str, Mapping[int, plots.Point]], y: str) -> Figure:
    said = f"bars: {_BY_DIALOGUE}"
    return plots.gaps(lines, y=y, above="own history costs", below="own history helps", note=said)[0]


def _forest(rows: Mapping[str, Any], x: str, note: str, reference: float = 0.0) -> Figure:
    return plots.forest(rows, x=x, note=note, reference=reference)[0]


def _lines(named: Mapping[str, ModelScores], key: str, over: str = "turn") -> dict[str, dict[int, plots.Point]]:
    """A curve a model."""
    return {
        name: {turn: _point(at) for turn, at in curve(model.scores, key, over).items()} for name, model in named.items()
    }


def _any_known(lines: Mapping[str, Mapping[int, plots.Point]]) -> bool:
    return any(point.known for points in lines.values() for point in points.values())


def _point(found: Estimate) -> plots.Point:
    return plots.Point(found.value, found.lower, found.upper)


def _counts(models: Collection[ModelScores], view: MetricSpec) -> list[str]:
    """How much data the scores rest on: one number, or the least and the largest of several models."""
    parts = []
    for end, word in (("n", "records"), ("dialogues", "dialogues")):
        found = [as_float(model.scores.get(f"{view.key}_{end}")) for model in models]
        found = sorted(count for count in found if not math.isnan(count))
        if found:
            shown = dict.fromkeys(f"{count:,.0f}" for count in (found[0], found[-1]))
            parts.append(f"{' to '.join(shown)} {word}")
    return [f"n = {', '.join(parts)}"] if parts else []


def _scores(model: ModelScores, view: MetricSpec) -> list[float]:
    return [value for row in model.items if math.isfinite(value := as_float(row.get(view.item)))]


def _names(texts: Iterable[str]) -> list[str]:
    """Names that others gave, fit to be shown, and as many as before."""
    found: dict[str, None] = {}
    for text in texts:
        name = shown = cut(plain(text), _LONGEST)
        while name in found:
            name = f"{shown} ({len(found) + 1})"
        found[name] = None
    return [*found]


def _words(view: MetricSpec) -> str:
    """What a metric is called on an axis, where a dollar sign would begin a formula."""
    return cut(plain(view.noun or view.label), _LONGEST).replace("$", r"\$")
