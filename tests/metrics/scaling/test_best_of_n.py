# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Best of n over a stream of dialogues: what it averages, what it leaves out, and whether its intervals cover."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from imug_metrics import BestOfN
from imug_metrics.functional import best_of_n_curve
from tests.coverage.data import Records
from tests.coverage.estimates import by_run
from tests.metrics import cases

CASES = {
    "best-of-n": cases.Case(lambda **k: BestOfN(4, **k), cases.candidates),
}

K = 8
TRUTH_DRAWS = 4_000_000


def candidates(generator: np.random.Generator, records: int) -> tuple[np.ndarray, np.ndarray]:
    """What differs between the candidates of a turn, and a selector that sees it through noise, in steps of 1/2."""
    own = generator.normal(size=(records, K))
    seen = own + generator.normal(size=own.shape)
    return own, np.round(2 * seen) / 2


def dialogues(generator: np.random.Generator, count: int) -> dict[str, Tensor]:
    """Dialogues of 1 to 6 turns with a level of their own, turns with one, and K candidates each."""
    lengths = np.minimum(generator.geometric(0.3, count), 6)
    dialogue = np.repeat(np.arange(count), lengths)
    turn = np.arange(len(dialogue)) - np.repeat(np.cumsum(lengths) - lengths, lengths) + 1
    own, seen = candidates(generator, len(turn))
    level = 0.7 * generator.normal(size=count)[dialogue] + 0.5 * generator.normal(size=len(turn))
    columns = {"scores": level[:, None] + own, "selector": seen, "dialogue": dialogue, "turn": turn}
    return {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in columns.items()}


def truth() -> dict[str, float]:
    """What the estimates mean, by drawing: levels have mean 0, so what a pick brings is all there is."""
    own, seen = candidates(np.random.default_rng(1), TRUTH_DRAWS // K)
    groups = {k: (own.reshape(-1, k), seen.reshape(-1, k)) for k in (2, K)}  # k fresh candidates, no order statistics
    picked = {k: float(np.mean(_pick(*group))) for k, group in groups.items()}
    best = {k: float(group[0].max(1).mean()) for k, group in groups.items()}
    return {
        "single": 0.0,
        **{f"selected_{k}": value for k, value in picked.items()},
        **{f"gain_{k}": value for k, value in picked.items()},
        **{f"oracle_{k}": value for k, value in best.items()},
        **{f"gap_{k}": best[k] - picked[k] for k in picked},
    }


def _pick(own: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """What the selector's first favourite brings; candidates come in random order, so the first is a fair one."""
    return np.take_along_axis(own, seen.argmax(1)[:, None], 1)


def coverage(data_sets: int, count: int) -> dict[str, float]:
    """Share of data sets whose 95 % interval holds the truth, by estimate."""
    data = dialogues(np.random.default_rng(0), data_sets * count)
    rows = Records(data.pop("dialogue"), data.pop("turn"), data_sets, count)
    found = by_run(BestOfN(K, ks=[2], max_turns=1, detail=True), rows, **data)
    bounds = {name: (found[name][0], value) for name, value in truth().items()}
    return {name: ((of.lower <= v) & (v <= of.upper)).double().mean().item() for name, (of, v) in bounds.items()}


def test_intervals_by_dialogue_cover() -> None:
    """With 4,000 data sets every share lies between 94.4 and 95.0 per cent; here the limits are those of 400."""
    for name, share in coverage(400, 80).items():
        assert 0.915 <= share <= 0.98, name


def test_estimates_are_those_of_the_function() -> None:
    data = dialogues(np.random.default_rng(2), 50)
    metric = BestOfN(K, detail=True)
    metric.update(**data)
    found = metric.compute()
    scores, selector = data["scores"], data["selector"]
    for k in (2, 4, 8):
        oracle, selected = best_of_n_curve(scores, k=k), best_of_n_curve(scores, selector, k=k)
        torch.testing.assert_close(found[f"best_of_n_oracle_{k}"], oracle)
        torch.testing.assert_close(found[f"best_of_n_selected_{k}"], selected)
        torch.testing.assert_close(found[f"best_of_n_gain_{k}"], selected - scores.mean())
        torch.testing.assert_close(found[f"best_of_n_gap_{k}"], oracle - selected)
    torch.testing.assert_close(found["best_of_n"], found["best_of_n_selected_8"])
    torch.testing.assert_close(found["best_of_n_regret"], found["best_of_n_gap_8"])
    each = best_of_n_curve(scores, selector, k=8, reduction="none")
    torch.testing.assert_close(found["best_of_n_turn_2"], each[data["turn"] == 2].mean())


def test_without_a_selector_the_oracle_selects() -> None:
    data = dialogues(np.random.default_rng(3), 20)
    del data["selector"]
    metric = BestOfN(4, detail=True)
    metric.update(**data)
    found = metric.compute()
    assert found["best_of_n_gap_4"] == 0
    assert found["best_of_n_regret"] == 0
    assert found["best_of_n"] == found["best_of_n_oracle_4"] > found["best_of_n_oracle_2"] > found["best_of_n_single"]


def test_a_record_speaks_of_no_more_candidates_than_it_has() -> None:
    scores = torch.tensor([[0.0, 1.0, torch.nan, torch.nan], [0.2, 0.4, 0.6, 0.8], [torch.nan] * 4])
    metric = BestOfN(4, detail=True)
    metric.update(scores, dialogue=[0, 1, 2], turn=[1, 1, 1])
    found = metric.compute()
    assert found["best_of_n_oracle_4"].item() == pytest.approx(0.8)
    assert found["best_of_n_oracle_2"].item() == pytest.approx((1.0 + (0.4 + 2 * 0.6 + 3 * 0.8) / 6) / 2)
    assert found["best_of_n_single"].item() == pytest.approx(0.5)
    assert found["best_of_n_coverage"].item() == pytest.approx(1 / 3)
    assert found["best_of_n_n"] == 1
    zero = BestOfN(4, missing="zero", detail=True)
    zero.update(scores, dialogue=[0, 1, 2], turn=[1, 1, 1])
    assert zero.compute()["best_of_n_oracle_4"].item() == pytest.approx(0.4), "the record of two stays out"


def test_dialogues_weigh_alike_where_asked() -> None:
    scores = torch.tensor([[0.0, 0.0], [0.0, 0.0], [1.0, 1.0]])
    metric = BestOfN(2, average="dialogue", detail=True)
    metric.update(scores, dialogue=[0, 0, 1], turn=[1, 2, 1])
    found = metric.compute()
    assert [found[f"best_of_n{key}"].item() for key in ("", "_single", "_oracle_2")] == [0.5, 0.5, 0.5]


@pytest.mark.parametrize(
    "arguments", [{"k": 1}, {"k": True}, {"k": 4, "ks": [1]}, {"k": 4, "ks": [5]}, {"k": 4, "ks": [2.0]}]
)
def test_wrong_k_is_refused(arguments: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="`k"):
        BestOfN(**arguments)


def test_plot_draws_both_curves() -> None:
    pytest.importorskip("matplotlib").use("Agg")
    metric = BestOfN(K, detail=True)
    metric.update(**dialogues(np.random.default_rng(4), 30))
    _, ax = metric.plot()
    assert [line.get_label() for line in ax.lines if line.get_label()[0] != "_"] == ["oracle", "selected"]
    assert list(ax.lines[0].get_xdata()) == [1, 2, 4, 8]


if __name__ == "__main__":  # the full simulation, as the page reports it
    for name, share in coverage(4000, 80).items():
        print(f"{name:12} {100 * share:.1f} %")
