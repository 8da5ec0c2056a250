# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""PairedGain and ExposureBias against numbers worked by hand, statsmodels, and simulations whose truth is known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
import torch
from torch import Tensor

from imug_metrics import ExposureBias, PairedGain
from imug_metrics.functional import exposure_bias, pair_records, paired_gain
from imug_metrics.stats import delta_interval, packed_moments, unpack_moments

NAN = math.nan
OWN = torch.tensor([[0.8, 0.5, 0.2], [0.6, 0.5, 0.4]])
REFERENCE = torch.tensor([[0.8, 0.7, 0.8], [0.6, 0.7, 0.6]])


def found(metric: Any, *arguments: Any, **more: Any) -> dict[str, float]:
    metric.update(*arguments, **more)
    return {key: float(value) for key, value in metric.compute().items()}


def ragged(seed: int, dialogues: int = 50, least: int = 1) -> tuple[np.ndarray, ...]:
    """Two arms in [0, 1], dialogue and turn: unequal lengths, hard dialogues, noise that grows with the turn."""
    generator = np.random.default_rng(seed)
    lengths = generator.integers(least, 7, dialogues)
    dialogue = np.repeat(np.arange(dialogues), lengths)
    turn = np.concatenate([np.arange(1, n + 1) for n in lengths])
    hard = 0.1 * generator.normal(size=dialogues)[dialogue]
    noise = 0.03 * turn[:, None] * generator.normal(size=(len(turn), 2))
    arms = 0.6 + hard[:, None] + noise - 0.04 * np.stack([turn, np.zeros_like(turn)], 1)
    return (*arms.clip(0, 1).T, dialogue, turn)


def centred(values: np.ndarray, dialogue: np.ndarray) -> np.ndarray:
    return values - (np.bincount(dialogue, values) / np.bincount(dialogue))[dialogue]


# ---- by hand ---------------------------------------------------------------------------------------------------------


def test_gain_of_every_estimate_by_hand() -> None:
    values = found(PairedGain(detail=True), [[0.9, 0.5], [0.25, 0.5]], [[0.4, 0.5], [0.5, 0.0]])
    expected = {"": 0.1875, "_turn_1": 0.125, "_turn_2": 0.25, "_scores": 0.5375, "_target": 0.35}
    expected |= {
        "_better": 0.5,
        "_worse": 0.25,
        "_equal": 0.25,
        "_slope": 0.125,
        "_unpaired": 0,
        "_coverage": 1,
        "_n": 4,
    }
    for key, value in expected.items():
        assert values[f"paired_gain{key}"] == pytest.approx(value, abs=1e-7), key


def test_accumulated_error_algebra_by_hand() -> None:
    # Mean losses: own 0.3, 0.5, 0.7; reference 0.3, 0.3, 0.3. R = 0.3, 0.8, 1.5; E = 0.3, 0.6, 0.9.
    values = found(ExposureBias(detail=True), OWN, REFERENCE)
    expected = {"": 200 / 3, "_excess_1": 0, "_excess_2": 100 / 3, "_excess_3": 200 / 3, "_accumulated": 3 * 1.5 / 0.9}
    expected |= {
        "_mean": 0.2,
        "_turn_1": 0,
        "_turn_2": 0.2,
        "_turn_3": 0.4,
        "_slope": 0.2,
        "_scores": 0.5,
        "_target": 0.7,
    }
    for key, value in expected.items():
        assert values[f"exposure_bias{key}"] == pytest.approx(value, abs=1e-5), key
    torch.testing.assert_close(
        exposure_bias(OWN.double(), REFERENCE.double(), reduction="none"),
        torch.tensor([0, 100 / 3, 200 / 3]).double(),
        rtol=1e-6,
        atol=1e-5,
    )


def test_means_by_turn_are_weighed_alike_whatever_number_of_dialogues_reaches_them() -> None:
    own, reference = [[0.5, 0.5], [0.5, NAN], [0.5, NAN]], [[0.5, 1.0], [0.5, NAN], [0.5, NAN]]
    turn = [[1, 2], [1, 0], [1, 0]]
    values = found(ExposureBias(detail=True), own, reference, turn=turn)
    assert values["exposure_bias"] == pytest.approx(100 * (1.0 / 0.5 - 1))  # R = 0.5 + 0.5, E = 0.5 + 0


@pytest.mark.parametrize("horizon", [1, 2, 3])
def test_the_horizon_is_the_turn_at_which_the_excess_is_read(horizon: int) -> None:
    whole = found(ExposureBias(detail=True), OWN, REFERENCE)
    values = found(ExposureBias(horizon=horizon, detail=True), OWN, REFERENCE)
    for end in ("", "_lower", "_upper"):
        assert values[f"exposure_bias{end}"] == whole[f"exposure_bias_excess_{horizon}{end}"]
    assert exposure_bias(OWN, REFERENCE, horizon=horizon).item() == pytest.approx(values["exposure_bias"], abs=1e-12)


def test_a_horizon_that_no_pair_reaches_is_undefined() -> None:
    values = found(ExposureBias(horizon=4, detail=True), OWN, REFERENCE)
    assert math.isnan(values["exposure_bias"])
    assert math.isnan(values["exposure_bias_accumulated"])
    assert exposure_bias(OWN, REFERENCE, horizon=4).isnan()


def test_a_reference_arm_without_errors_makes_the_excess_undefined_not_infinite() -> None:
    metric = ExposureBias(detail=True)
    values = found(metric, [[1.0, 0.5]], [[1.0, 1.0]])
    assert all(math.isnan(values[f"exposure_bias{end}"]) for end in ("", "_lower", "_upper", "_accumulated"))
    assert values["exposure_bias_mean"] == 0.25, "the gap is defined all the same"
    assert values["exposure_bias_coverage"] == 1
    assert exposure_bias([[1.0, 0.5]], [[1.0, 1.0]]).isnan()


def test_errors_before_a_perfect_start_are_undefined_until_the_reference_errs() -> None:
    curve = exposure_bias([[0.5, 0.5]], [[1.0, 0.75]], reduction="none")
    assert curve[0].isnan()
    assert curve[1].item() == pytest.approx(100 * (1.0 / 0.25 - 1))


def test_equal_arms_have_no_excess_and_accumulate_as_many_errors_as_turns() -> None:
    values = found(ExposureBias(detail=True), REFERENCE, REFERENCE)
    assert values["exposure_bias"] == 0
    assert values["exposure_bias_accumulated"] == 3


def test_turns_without_a_pair_are_left_out_of_both_sums() -> None:
    dialogue, turn = [0, 0, 1, 1], [2, 4, 2, 4]
    values = found(ExposureBias(detail=True), [0.5, 0.25, 0.5, 0.25], [0.75, 0.75, 0.75, 0.75], dialogue, turn)
    assert values["exposure_bias"] == pytest.approx(100 * (1.25 / 0.5 - 1))
    assert values["exposure_bias_accumulated"] == pytest.approx(2 * 1.25 / 0.5)
    assert "exposure_bias_excess_3" not in values
    at_3 = found(ExposureBias(horizon=3, detail=True), [0.5, 0.25, 0.5, 0.25], [0.75] * 4, dialogue, turn)
    assert at_3["exposure_bias"] == pytest.approx(values["exposure_bias_excess_2"])
    assert at_3["exposure_bias_upper"] == pytest.approx(values["exposure_bias_excess_2_upper"])


def test_turns_beyond_max_turns_count_in_the_gap_but_not_in_the_sums() -> None:
    values = found(ExposureBias(max_turns=2, detail=True), OWN, REFERENCE)
    assert values["exposure_bias"] == pytest.approx(100 / 3, abs=1e-5)
    assert values["exposure_bias_mean"] == pytest.approx(0.2, abs=1e-6)


# ---- what is unpaired ------------------------------------------------------------------------------------------------


def test_unpaired_records_are_counted_and_change_no_estimate() -> None:
    scores, target, dialogue, turn = ragged(3)
    for metric, name in ((PairedGain, "paired_gain"), (ExposureBias, "exposure_bias")):
        paired = found(metric(detail=True), scores, target, dialogue, turn)
        more = [np.r_[scores, [0.9, NAN, NAN]], np.r_[target, [NAN, 0.1, NAN]], np.r_[dialogue, [99] * 3]]
        mixed = found(metric(detail=True), *more, np.r_[turn, [1, 2, 3]])
        assert mixed.pop(f"{name}_unpaired") == 2
        assert paired.pop(f"{name}_unpaired") == 0
        assert mixed.pop(f"{name}_coverage") == pytest.approx(len(turn) / (len(turn) + 3))
        paired.pop(f"{name}_coverage")
        assert mixed == pytest.approx(paired, nan_ok=True, abs=1e-12)


def test_valid_speaks_of_the_first_arm_and_infinite_scores_are_absent() -> None:
    values = found(
        PairedGain(detail=True), [[0.5, 0.5, math.inf]], [[0.25, 0.25, 0.5]], valid=torch.tensor([[True, False, True]])
    )
    assert (values["paired_gain"], values["paired_gain_unpaired"]) == (0.25, 2)
    values = found(PairedGain(detail=True), [[0.5, 0.5]], [[0.25, -math.inf]])
    assert (values["paired_gain"], values["paired_gain_unpaired"]) == (0.25, 1)


def test_missing_zero_scores_the_arm_that_lacks_a_record_with_0() -> None:
    values = found(PairedGain(missing="zero", detail=True), [[0.5, 0.5, NAN]], [[0.25, NAN, 0.75]])
    assert values["paired_gain"] == pytest.approx((0.25 + 0.5 - 0.75) / 3)
    assert values["paired_gain_coverage"] == pytest.approx(1 / 3)
    assert values["paired_gain_unpaired"] == 2
    excess = found(ExposureBias(missing="zero", detail=True), [[0.5, NAN]], [[0.5, 0.75]])["exposure_bias"]
    assert excess == pytest.approx(100 * (1.5 / 0.75 - 1))


def test_the_arms_differ_by_the_gain_under_either_average() -> None:
    scores, target, dialogue, turn = ragged(4)
    scores[::7] = NAN
    by_record, by_dialogue = (
        found(PairedGain(average=average, detail=True), scores, target, dialogue, turn)
        for average in ("record", "dialogue")
    )
    for values in (by_record, by_dialogue):
        difference = values["paired_gain_scores"] - values["paired_gain_target"]
        assert values["paired_gain"] == pytest.approx(difference, abs=1e-12)
        shares = [values[f"paired_gain_{share}"] for share in ("better", "worse", "equal")]
        assert sum(shares) == pytest.approx(1, abs=1e-12)
    gains = scores - target
    means = [np.nanmean(gains[dialogue == d]) for d in np.unique(dialogue) if not np.isnan(gains[dialogue == d]).all()]
    assert by_dialogue["paired_gain"] == pytest.approx(np.mean(means), abs=1e-12)
    assert by_dialogue["paired_gain"] != pytest.approx(by_record["paired_gain"], abs=1e-6)


def test_the_margin_makes_small_gains_equal() -> None:
    scores, target = [[0.5, 0.75, 0.25]], [[0.5, 0.5, 0.5]]
    for margin, equal in ((0.0, 1 / 3), (0.25, 1.0)):
        assert found(PairedGain(margin, detail=True), scores, target)["paired_gain_equal"] == pytest.approx(equal)


def test_subjects_of_one_dialogue_pair_by_subject_and_form_one_cluster() -> None:
    rows = {"dialogue": [1, 1, 1, 1], "turn": [1, 1, 2, 2], "subject": [0, 1, 0, 1]}
    values = found(PairedGain(detail=True), [0.5, 1.0, 0.5, 0.0], [0.25, 0.5, 0.5, 0.5], **rows)
    assert values["paired_gain"] == pytest.approx(0.0625)
    assert values["paired_gain_slope"] == pytest.approx((-0.25 - 1.0) / 2)
    assert values["paired_gain_dialogues"] == 1


# ---- arms as two lists -----------------------------------------------------------------------------------------------


def test_two_lists_pair_by_dialogue_and_turn_in_any_order() -> None:
    scores, target, dialogue, turn = ragged(5)
    names = np.array([f"sample/{d}" for d in dialogue])
    order = np.random.default_rng(0).permutation(len(turn))
    pairs = pair_records(scores, names.tolist(), turn, target[order], names[order].tolist(), turn[order])
    assert len(pairs.scores_only) == len(pairs.target_only) == 0
    one, two = PairedGain(detail=True), PairedGain(detail=True)
    two.update(**pairs.rows)
    expected = found(one, scores, target, names.tolist(), turn)
    assert {k: float(v) for k, v in two.compute().items()} == pytest.approx(expected, abs=1e-12)


def test_unpaired_rows_are_named_in_their_own_arm() -> None:
    a = ([0.5, 0.6, 0.7], ["x", "x", "y"], [1, 2, 1])
    with pytest.raises(ValueError, match=r"got `scores` alone at row 1 \(dialogue 'x', turn 2\)\."):
        pair_records(*a, [0.1, 0.2], ["y", "x"], [1, 1])
    with pytest.raises(ValueError, match=r"`target` alone at row 0 \(dialogue 'z', turn 9\)\."):
        pair_records([0.5], ["x"], [1], [0.1, 0.2], ["z", "x"], [9, 1])
    with pytest.raises(ValueError, match=r"`scores` alone at row 0 .* and 3 more\."):
        pair_records([0.5] * 8, range(8), [1] * 8, [], [], [])


def test_unpaired_rows_can_be_kept_and_are_then_counted() -> None:
    pairs = pair_records([0.5, 0.6], [1, 2], [1, 1], [0.25, 0.5], [3, 1], [1, 1], unpaired="keep")
    assert (pairs.scores_only.tolist(), pairs.target_only.tolist()) == ([1], [0])
    values = found(PairedGain(detail=True), **pairs.rows)
    assert (values["paired_gain"], values["paired_gain_unpaired"], values["paired_gain_n"]) == (0, 2, 1)


def test_two_lists_with_subjects_pair_by_subject() -> None:
    pairs = pair_records(
        [0.5, 0.75], [1, 1], [1, 1], [0.25, 0.5], [1, 1], [1, 1], subject=["a", "b"], target_subject=["b", "a"]
    )
    assert sorted((pairs.rows["scores"] - pairs.rows["target"]).tolist()) == [0.0, 0.5]
    with pytest.raises(ValueError, match="`subject` and `target_subject` together"):
        pair_records([0.5], [1], [1], [0.5], [1], [1], subject=[1])


@pytest.mark.parametrize(
    ("target", "dialogue", "turn", "message"),
    [
        ([0.5, 0.5], [1, 1], [1, 1], "In the arm of `target`: Expected each turn once"),
        ([0.5], [1, 1], [1], "In the arm of `target`: Expected argument `dialogue` to have shape"),
        ([0.5], [1], [0], "In the arm of `target`: Expected argument `turn` to be >= 1"),
        ([[0.5]], [1], [1], r"In the arm of `target`: Expected argument `target` to have shape \[N\]"),
    ],
)
def test_a_malformed_arm_is_named(target: Any, dialogue: Any, turn: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pair_records([0.5], [1], [1], target, dialogue, turn)


# ---- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scores", "target", "rows", "message"),
    [
        (
            [0.5, 1.5],
            [0.5, 0.5],
            {"dialogue": [1, 0], "turn": [1, 1]},
            r"`scores` to lie in \[0, 1\], got 1.5 at row 1\.",
        ),
        (
            [0.5, 0.5],
            [0.5, -2],
            {"dialogue": [1, 0], "turn": [1, 1]},
            r"`target` to lie in \[0, 1\], got -2 at row 1\.",
        ),
        ([[0, 0, 7], [0, 0, 2]], [[0, 0, 0]] * 2, {"turn": [[0, 1, 2]] * 2}, r"got 7 at row \[0, 2\]\."),
    ],
)
def test_scores_outside_0_to_1_are_refused_by_row_before_anything_changes(
    scores: Any, target: Any, rows: dict[str, Any], message: str
) -> None:
    metric = ExposureBias()
    metric.update(OWN, REFERENCE)
    before = metric.moments.clone()
    with pytest.raises(ValueError, match=message):
        metric.update(torch.tensor(scores), torch.tensor(target), **rows)
    assert torch.equal(metric.moments, before)
    with pytest.raises(ValueError, match=message):
        exposure_bias(torch.tensor(scores), torch.tensor(target), **rows)
    PairedGain().update(torch.tensor(scores), torch.tensor(target), **rows)  # gains have any scale


def test_rounding_beyond_1_and_absent_outputs_outside_are_no_error() -> None:
    ExposureBias().update([[1 + 1e-7, 0.5]], [[0.5, 0.5]])
    ExposureBias().update([[-1.0, 0.5]], [[0.5, 0.5]], valid=torch.tensor([[False, True]]))


@pytest.mark.parametrize("horizon", [0, 17, 2.5])
def test_a_horizon_outside_the_curve_is_refused(horizon: Any) -> None:
    with pytest.raises(ValueError, match="`horizon` to be from 1 to `max_turns`, 16"):
        ExposureBias(horizon=horizon)


def test_other_arguments_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="`margin`"):
        PairedGain(margin=-0.1)
    with pytest.raises(ValueError, match="`target` to have one entry for each of `scores`"):
        PairedGain().update([0.5, 0.5], [0.5], [1, 1], [1, 2])
    with pytest.raises(ValueError, match="`unpaired`"):
        pair_records([0.5], [1], [1], [0.5], [1], [1], unpaired="drop")
    with pytest.raises(ValueError, match="`horizon`"):
        exposure_bias([[0.5]], [[0.5]], horizon=0)
    with pytest.raises(ValueError, match="`dialogue`"):
        PairedGain(bootstrap=5).update([[0.5]], [[0.5]])


# ---- against independent references ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_gain_and_its_slope_equal_clustered_ols_of_the_differences(seed: int) -> None:
    scores, target, dialogue, turn = ragged(seed)
    gain = scores - target
    values = found(PairedGain(detail=True), scores, target, dialogue, turn)
    several = np.bincount(dialogue)[dialogue] > 1
    x, y = centred(turn.astype(float), dialogue)[several], centred(gain, dialogue)[several]
    fits = {
        "": sm.OLS(gain, np.ones_like(gain)).fit(cov_type="cluster", cov_kwds={"groups": dialogue}, use_t=True),
        "_slope": sm.OLS(y, x).fit(cov_type="cluster", cov_kwds={"groups": dialogue[several]}, use_t=True),
    }
    for key, fit in fits.items():
        expected = [fit.params[0], *fit.conf_int()[0]]
        ours = [values[f"paired_gain{key}{end}"] for end in ("", "_lower", "_upper")]
        assert ours == pytest.approx(expected, abs=1e-10), key


def test_excess_and_its_error_equal_the_delta_method_on_clustered_ols() -> None:
    own, reference, dialogue, turn = ragged(6, 80)
    last = 4
    # One dummy for every arm and turn: the coefficients are the mean losses, their covariance is clustered by dialogue.
    rows = turn <= last
    column = np.r_[turn[rows] - 1, turn[rows] - 1 + last]
    losses, groups = 1 - np.r_[own[rows], reference[rows]], np.r_[dialogue[rows], dialogue[rows]]
    fit = sm.OLS(losses, np.eye(2 * last)[column]).fit(
        cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False}
    )
    r, e = fit.params[:last].sum(), fit.params[last:].sum()
    gradient = 100 * np.r_[np.full(last, 1 / e), np.full(last, -r / e**2)]
    reached = len(np.unique(dialogue[turn == last]))
    error = math.sqrt(gradient @ fit.cov_params() @ gradient * reached / (reached - 1))

    metric = ExposureBias(horizon=last, detail=True)
    metric.update(own, reference, dialogue, turn)
    names = metric._estimate_names()
    ours = delta_interval(metric._estimates, unpack_moments(metric.moments), metric._support(names))
    row = names.index("excess")
    assert ours.value[row].item() == pytest.approx(100 * (r / e - 1), abs=1e-9)
    assert ours.error[row].item() == pytest.approx(error, abs=1e-9)


def test_gap_is_the_paired_gain_of_the_reference_over_the_own_arm() -> None:
    own, reference, dialogue, turn = ragged(7)
    gain = found(PairedGain(detail=True), reference, own, dialogue, turn)
    bias = found(ExposureBias(detail=True), own, reference, dialogue, turn)
    for end in ("", "_lower", "_upper"):
        assert bias[f"exposure_bias_mean{end}"] == pytest.approx(gain[f"paired_gain{end}"], abs=1e-12)
        for key in ("_slope", "_turn_4"):
            assert bias[f"exposure_bias{key}{end}"] == pytest.approx(gain[f"paired_gain{key}{end}"], abs=1e-12)


def test_functional_twins_equal_the_classes() -> None:
    own, reference, dialogue, turn = ragged(8)
    own[5] = NAN
    metric, bias = PairedGain(), ExposureBias()
    metric.update(own, reference, dialogue, turn)
    bias.update(own, reference, dialogue, turn)
    assert paired_gain(own, reference, dialogue, turn).item() == pytest.approx(metric.compute().item(), abs=1e-12)
    assert exposure_bias(own, reference, dialogue, turn).item() == pytest.approx(bias.compute().item(), abs=1e-9)
    each = paired_gain(own, reference, dialogue, turn, reduction="none").numpy()
    np.testing.assert_allclose(each, own - reference)


def test_bootstrap_interval_is_close_to_the_formula() -> None:
    own, reference, dialogue, turn = ragged(9, 300)
    widths = []
    for bootstrap in (0, 1000):
        values = found(ExposureBias(detail=True, bootstrap=bootstrap), own, reference, dialogue, turn)
        widths.append(
            [values[f"exposure_bias{k}_upper"] - values[f"exposure_bias{k}_lower"] for k in ("", "_excess_3")]
        )
    assert widths[1] == pytest.approx(widths[0], rel=0.2)


def test_functional_forms_pass_gradients_past_absent_records() -> None:
    own = torch.tensor([[0.5, NAN, 0.25]], requires_grad=True)
    reference = torch.tensor([[0.75, 0.5, 0.5]])
    paired_gain(own, reference).backward()
    assert own.grad.tolist() == [[0.5, 0.0, 0.5]]
    own.grad = None
    exposure_bias(
        own, reference
    ).backward()  # 100 (R / E - 1) with E = 0.75 falls by 100 / 0.75 for each point of score
    assert own.grad.flatten().tolist() == pytest.approx([-100 / 0.75, 0, -100 / 0.75], rel=1e-6)


def test_both_draw_their_curve_over_turns() -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    for metric in (PairedGain(detail=True), ExposureBias(detail=True)):
        metric.update(OWN, REFERENCE)
        figure, axis = metric.plot()
        assert axis.lines[0].get_xdata().tolist() == [1, 2, 3]
        pyplot.close(figure)


# ---- simulations with known truth ------------------------------------------------------------------------------------

SETS, DIALOGUES = 2000, 80
LENGTHS = torch.tensor([0.1, 0.15, 0.25, 0.2, 0.15, 0.15], dtype=torch.float64)  # probability of 1 to 6 turns
REACHES = LENGTHS.flip(0).cumsum(0).flip(0)  # probability that a dialogue has turn t
TURNS = torch.arange(1, 7, dtype=torch.float64)


def simulated_places(generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Dialogue, turn and length of every row of all data sets."""
    length = torch.multinomial(LENGTHS, SETS * DIALOGUES, True, generator=generator) + 1
    dialogue = torch.arange(len(length)).repeat_interleave(length)
    start = (length.cumsum(0) - length)[dialogue]
    return dialogue, torch.arange(len(dialogue)) - start + 1, length[dialogue]


def estimates_of_all_sets(metric: Any, names: list[str]) -> tuple[Tensor, Tensor, Tensor]:
    """Estimates and bounds `[SETS, len(names)]` from one update that holds the dialogues of every data set."""
    rows = []
    for vectors in metric.vectors.view(SETS, DIALOGUES, -1):
        metric.moments = packed_moments(vectors)
        every = metric._estimate_names()
        chosen = [every.index(name) for name in names]
        interval = delta_interval(
            lambda sums, chosen=chosen: metric._estimates(sums)[chosen],
            unpack_moments(metric.moments),
            metric._support(every)[chosen],
        )
        rows.append(torch.stack([interval.value, interval.lower, interval.upper]))
    return torch.stack(rows).unbind(1)


def assert_covers(metric: Any, truth: dict[str, float], unbiased: set[str]) -> None:
    value, lower, upper = estimates_of_all_sets(metric, list(truth))
    for column, (name, true) in enumerate(truth.items()):
        share = ((lower[:, column] <= true) & (true <= upper[:, column])).double().mean().item()
        assert 0.93 <= share <= 0.97, f"{name} is covered in {share:.2%} of the data sets"
        z = (value[:, column].mean() - true) / (value[:, column].std() / math.sqrt(SETS))
        # A ratio of sums is biased by the order of 1 / dialogues; the others are not at all.
        assert abs(z) <= (2 if name in unbiased else 0.15 * math.sqrt(SETS)), (
            f"{name} is off by {z:.1f} standard errors"
        )


class RecordingGain(PairedGain):
    """Keeps the dialogues' vectors instead of adding them up, so that one update serves all data sets."""

    def _accumulate(self, vectors: Tensor, ids: Tensor) -> None:
        self.vectors = vectors


class RecordingBias(ExposureBias):
    """The same for exposure bias."""

    def _accumulate(self, vectors: Tensor, ids: Tensor) -> None:
        self.vectors = vectors


def test_intervals_of_gain_and_slope_cover_the_truth() -> None:
    generator = torch.Generator().manual_seed(11)
    dialogue, turn, length = simulated_places(generator)

    def normal(count: int) -> Tensor:
        return torch.randn(count, generator=generator, dtype=torch.float64)

    persons = SETS * DIALOGUES
    hard = normal(persons)[dialogue] - 0.3 * length  # shared by the arms, and longer dialogues are harder
    own_gain = 0.2 * normal(persons)[dialogue]
    own_slope = 0.05 * normal(persons)[dialogue]
    gain = 0.05 + 0.03 * turn + own_gain + own_slope * turn + 0.1 * turn * normal(len(turn))  # noise grows with turns
    metric = RecordingGain(max_turns=6, detail=True)
    metric.update(hard + gain, hard, dialogue, turn)
    by_turn = 0.05 + 0.03 * TURNS
    truth = {
        "mean": ((REACHES * by_turn).sum() / REACHES.sum()).item(),
        "slope": 0.03,
        "turn_2": by_turn[1].item(),
        "turn_5": by_turn[4].item(),
    }
    assert_covers(metric, truth, unbiased=set(truth))


def test_intervals_of_gap_slope_and_excess_cover_the_truth() -> None:
    generator = torch.Generator().manual_seed(12)
    dialogue, turn, length = simulated_places(generator)

    def uniform(count: int) -> Tensor:
        return torch.rand(count, generator=generator, dtype=torch.float64)

    hard = 0.25 * (uniform(SETS * DIALOGUES) - 0.5)[dialogue]
    right = 0.8 - 0.02 * turn - 0.03 * (length - 3) + hard  # probability on the reference history
    lost = 0.02 + 0.05 * uniform(SETS * DIALOGUES)[dialogue] * (turn - 1)  # dialogues suffer differently
    luck = uniform(len(turn))
    other = torch.where(uniform(len(turn)) < 0.7, luck, uniform(len(turn)))  # the arms mostly err together
    metric = RecordingBias(max_turns=6, detail=True)
    metric.update((other < right - lost).double(), (luck < right).double(), dialogue, turn)
    # Only longer and so harder dialogues reach late turns.
    mean_length = torch.stack([(LENGTHS[t:] * TURNS[t:]).sum() / REACHES[t] for t in range(6)])
    reference, gap = 0.2 + 0.02 * TURNS + 0.03 * (mean_length - 3), 0.02 + 0.025 * (TURNS - 1)
    excess = 100 * gap.cumsum(0) / reference.cumsum(0)
    truth = {
        "mean": ((REACHES * gap).sum() / REACHES.sum()).item(),
        "slope": 0.025,
        "turn_3": gap[2].item(),
        "excess": excess[5].item(),
        "excess_3": excess[2].item(),
    }
    assert_covers(metric, truth, unbiased={"mean", "slope", "turn_3"})
