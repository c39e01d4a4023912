"""p-values are those of scipy, adjusted in Holm's way, and equivalence and power keep what they promise."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from analysis.claims.power import MOST_SEEDS, more_runs, more_seeds, power
from analysis.claims.region import Region
from analysis.stats import holm, mean_interval, p_above, p_below, paired_t_test, share_interval, tost

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=8)


def normal(mean: float, deviation: float, *shape: int) -> list[list[float]]:
    return np.random.default_rng(7).normal(mean, deviation, shape).tolist()


def test_p_values_are_those_of_scipy() -> None:
    first, second = normal(30, 1, 2, 6)
    values, baseline = dict(enumerate(first)), dict(enumerate(second)) | {9: 0.0}
    assert paired_t_test(values, baseline) == pytest.approx(scipy.stats.ttest_rel(first, second).pvalue)
    for one_sided, alternative in ((p_above, "greater"), (p_below, "less")):
        expected = scipy.stats.ttest_1samp(first, 29.5, alternative=alternative).pvalue
        assert one_sided(first, 29.5) == pytest.approx(expected)


def test_one_value_tests_nothing() -> None:
    assert paired_t_test({0: 1.0}, {0: 2.0}) is None and paired_t_test({0: 1.0}, {1: 2.0}) is None
    assert p_above([5.0], 0.0) == p_below([5.0], 0.0) == tost([0.0], -1, 1) == 1.0


def test_equal_values_are_on_their_side_of_a_bound_for_certain_and_on_it_undecided() -> None:
    assert p_above([0.3, 0.3], 0.0) == 0.0 and p_below([0.3, 0.3], 0.0) == 1.0
    assert p_above([0.0, 0.0], 0.0) == p_below([0.0, 0.0], 0.0) == 0.5


def test_holm_of_a_hand_worked_family() -> None:
    # 4 x 0.005 = 0.02; 3 x 0.01 = 0.03; 2 x 0.03 = 0.06; 0.04 may not be below 0.06
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == [] and holm([0.6, 0.7]) == [1.0, 1.0]


@given(P_VALUES)
def test_holm_lies_between_the_p_value_and_bonferroni_and_keeps_the_order(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    for p, found in zip(p_values, adjusted, strict=True):
        assert p <= found <= min(1.0, len(p_values) * p) + 1e-15
    pairs = sorted(zip(p_values, adjusted, strict=True))
    assert [found for _, found in pairs] == sorted(adjusted)


def test_equivalence_is_shown_just_where_the_90_percent_interval_lies_within_the_margin() -> None:
    for values in normal(0.05, 0.15, 200, 5):
        interval = mean_interval(values, 0.90)
        assert interval is not None and interval.half_width is not None
        inside = abs(interval.mean) + interval.half_width < 0.2
        assert (tost(values, -0.2, 0.2) < 0.05) == inside


def test_the_interval_of_a_share_is_clopper_and_pearsons() -> None:
    for count, total in ((0, 6), (3, 7), (6, 6), (1, 40)):
        expected = scipy.stats.binomtest(count, total).proportion_ci(0.95, "exact")
        assert share_interval(count, total) == pytest.approx((expected.low, expected.high))


def test_95_of_100_intervals_hold_the_true_difference() -> None:
    intervals = [mean_interval(values) for values in normal(0.4, 0.6, 4000, 3)]
    held = [abs(one.mean - 0.4) <= one.half_width for one in intervals if one and one.half_width is not None]
    assert len(held) == 4000 and np.mean(held) == pytest.approx(0.95, abs=0.012)  # three and a half standard errors


@pytest.mark.parametrize("seeds", [2, 3, 10])
def test_equivalence_at_the_margin_is_claimed_in_5_percent_at_most(seeds: int) -> None:
    claimed = [tost(values, -0.2, 0.2) <= 0.05 for values in normal(0.2, 0.1, 3000, seeds)]
    assert np.mean(claimed) < 0.062


def test_power_is_that_of_the_noncentral_t_distribution() -> None:
    counts = np.array([3, 5, 20])
    critical = scipy.stats.t.ppf(0.975, counts - 1)
    expected = scipy.stats.nct.sf(critical, counts - 1, 0.5 / 0.4 * np.sqrt(counts))
    assert power(0.5, 0.4, counts, Region(low=0.0)) == pytest.approx(expected)
    assert power(-0.5, 0.4, counts, Region(low=0.0)) == pytest.approx(expected), "as much for the opposite"


@pytest.mark.parametrize(
    ("mean", "region"),
    [(0.5, Region(low=0.0)), (-0.5, Region(low=0.0)), (0.1, Region(-0.4, 0.4)), (0.8, Region(-0.2, 0.2))],
    ids=["a direction", "its opposite", "an equivalence", "no equivalence"],
)
def test_the_seeds_named_decide_in_four_of_five_repetitions(mean: float, region: Region) -> None:
    observed = np.array([-1.2, -0.4, 0.4, 1.2])  # of any mean; deviation 1.0328
    observed = (mean + observed / np.std(observed, ddof=1) * 0.6).tolist()
    more = more_seeds(observed, region)
    assert more is not None
    trials = normal(mean, 0.6, 2000, 4 + more)
    decided = [(region.p_inside if mean in region else region.p_outside)(values) <= 0.05 for values in trials]
    assert 0.77 < np.mean(decided) < 0.90
    fewer = normal(mean, 0.6, 2000, 4 + more - 2)
    decided = [(region.p_inside if mean in region else region.p_outside)(values) <= 0.05 for values in fewer]
    assert np.mean(decided) < 0.80, "two seeds less would not do"


def test_no_number_of_seeds_is_named_where_none_can_be_known() -> None:
    assert more_seeds([0.4], Region(low=0.0)) is None, "one seed has no spread"
    assert more_seeds([-1.0, 1.0], Region(low=0.0)) is None, "an effect of nothing stays undecided"
    assert more_seeds([0.3, 0.3], Region(low=0.0)) is None, "decided already"


def test_more_parts_against_a_claim_take_more_seeds() -> None:
    values = [-0.9, -0.1, 0.2, -0.6]
    one, eight = (more_seeds(values, Region(low=0.0), family) for family in (1, 8))
    assert one is not None and eight is not None and one < eight < MOST_SEEDS


def test_runs_that_all_diverge_decide_with_six() -> None:
    assert share_interval(6, 6)[0] > 0.5 > share_interval(5, 5)[0]
    assert more_runs(2, 2) == 4 and more_runs(0, 3) == 3 and more_runs(1, 2) is None


@pytest.mark.parametrize(
    ("count", "total", "half"), [(2, 3, 0.5), (4, 5, 0.5), (1, 5, 0.5), (7, 10, 0.4), (19, 20, 0.8)]
)
def test_as_many_runs_as_that_decide_in_80_percent_of_repetitions_and_one_fewer_do_not(
    count: int, total: int, half: float
) -> None:
    def decided(runs: int) -> float:
        drawn = np.random.default_rng(0).binomial(runs, count / total, 4000)
        shown = {one: share_interval(one, runs) for one in set(drawn.tolist())}
        above = count / total > half
        return float(np.mean([low > half if above else high < half for low, high in map(shown.get, drawn.tolist())]))

    more = more_runs(count, total, half)
    assert more is not None and decided(total + more) > 0.78
    assert more == 1 or decided(total + more - 1) < 0.82


def test_an_interval_that_excludes_a_bound_and_its_p_value_agree() -> None:
    region = Region(-inf, 0.0)
    for values in normal(-0.3, 0.4, 200, 4):
        interval = mean_interval(values, region.level)
        assert interval is not None and interval.half_width is not None
        assert (region.p_inside(values) < 0.05) == (interval.mean + interval.half_width < 0)
        assert (region.p_outside(values) < 0.05) == (interval.mean - interval.half_width > 0)
