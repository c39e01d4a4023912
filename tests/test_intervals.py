"""Means and paired differences carry Student's intervals."""

from __future__ import annotations

import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from analysis.stats import mean_interval, paired_difference

VALUES = st.lists(st.floats(-100, 100), min_size=2, max_size=12)


@given(VALUES)
def test_the_interval_of_a_mean_is_students(values: list[float]) -> None:
    interval = mean_interval(values)
    assert interval is not None and interval.n == len(values)
    reference = scipy.stats.ttest_1samp(values, 0.0).confidence_interval(0.95) if len(set(values)) > 1 else None
    if reference is not None:
        assert interval.mean == pytest.approx((reference.low + reference.high) / 2, abs=1e-9)
        assert interval.half_width == pytest.approx((reference.high - reference.low) / 2, rel=1e-9, abs=1e-9)


def test_one_value_has_no_interval_and_none_has_no_mean() -> None:
    single = mean_interval([39.9])
    assert single is not None and (single.mean, single.half_width) == (39.9, None)
    assert mean_interval([]) is None


def test_differences_are_paired_by_seed() -> None:
    values, baseline = {0: 30.0, 1: 33.0, 2: 35.0, 7: 90.0}, {2: 34.1, 1: 31.5, 0: 29.2, 9: 0.0}
    found = paired_difference(values, baseline)
    test = scipy.stats.ttest_rel([30.0, 33.0, 35.0], [29.2, 31.5, 34.1])
    assert found is not None and found.half_width is not None
    interval = test.confidence_interval(0.95)
    assert (found.mean - found.half_width, found.mean + found.half_width) == pytest.approx(interval)
    assert found.n == 3 and (abs(found.mean) > found.half_width) == (test.pvalue < 0.05)
    assert paired_difference({0: 1.0}, {1: 1.0}) is None
