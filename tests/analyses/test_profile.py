import re

import numpy as np
import pytest
from presenting import NAN, figure, present, table, values_of

from reportgen.analyses.distribution import Distribution
from reportgen.analyses.profile import Profile

UNITS = {"zero": "mag", "mjd": "d"}


def nights(rows=6000, seed=4):
    """Draw zero points of three filters that drift with time, one of them off."""
    rng = np.random.default_rng(seed)
    mjd, band = rng.uniform(60000, 60100, rows), rng.integers(1, 4, rows).astype(float)
    zero = 25 + 0.001 * (mjd - 60000) + rng.normal(0, 0.02, rows) + 0.3 * (band == 3)
    return {"mjd": mjd, "zero": zero, "band": band}


def made(data, **keys):
    return present(Profile, data, UNITS, column="zero", against="mjd", **keys)


@pytest.mark.parametrize("statistic", ["median", "mean"])
def test_a_drift_that_was_put_in_comes_out(statistic):
    data = nights()
    data["zero"] -= 0.3 * (data["band"] == 3)
    found = values_of(made(data, statistic=statistic))
    assert found["slope"] == pytest.approx(0.001, rel=0.05)
    assert found["range_of_medians"] == pytest.approx(0.095, abs=0.01)
    assert found["zero_median"] == pytest.approx(25.05, abs=0.005)


def test_bins_are_those_of_numpy_and_few_rows_are_not_judged():
    data = nights(300)
    data["zero"][0] = 30.0
    data["mjd"][0] = 60200.0
    section = made(data, bins=10, above=60000, below=60200)
    rows = table(section, "course")
    number = ((data["mjd"] - 60000) // 20).astype(int)
    number = np.minimum(number, 9)
    assert rows["n"] == np.bincount(number, minlength=10).tolist()
    for k in range(5):
        chosen = data["zero"][number == k]
        assert rows["median"][k] == pytest.approx(np.median(chosen))
        assert rows["band_low"][k] == pytest.approx(np.quantile(chosen, 0.16))
    assert values_of(section)["worst_bin"] < 26, "a bin of one row decides nothing"
    assert "1 bin with fewer than 20 rows" in " ".join(section.notes)


def test_the_worst_bin_is_measured_from_the_limits():
    section = made(nights(), limits={"min": 25.0, "max": 25.08})
    said = section.findings[0]
    assert "outside the limits" in said
    assert "limits, 25\u00a0mag and 25.08\u00a0mag" in figure(section, "course").caption
    inside = made(nights(), limits={"min": 24.0, "max": 26.0})
    assert "within the limits in each" in inside.findings[0]


def test_limits_of_checks_are_drawn_beside_those_of_the_section():
    checks = [{"metric": "worst_bin", "max": 25.5}, {"metric": "worst_band", "min": 24.5}]
    section = made(nights(), by="band", limits={"max": 26}, checks=checks)
    for each in section.figures[:4]:
        assert "Dashed: limits, 24.5\xa0mag, 25.5\xa0mag and 26\xa0mag." in each.caption


def test_each_group_has_a_course_and_the_one_that_is_off_is_named():
    section = made(nights(), by="band", expect=[1, 2, 3, 4])
    found = values_of(section)
    assert found["worst_zero_median"] == pytest.approx(25.35, abs=0.01)
    assert "band 3" in section.metrics["worst_zero_median"].label
    assert found["worst_band"] >= found["worst_zero_median"]
    assert re.search("of band 3 between .* the farthest off", section.metrics["worst_band"].label)
    assert (found["groups"], found["groups_absent"]) == (3, 1)
    said = " ".join(section.findings)
    assert "band 3 is the farthest off" in said
    assert "Without a value though expected: band 4" in said
    ids = [each.id for each in section.figures]
    assert ids == ["course", "course_1", "course_2", "course_3", "zero_median_by_group"]
    rows = table(section, "zero_median_by_group")
    assert rows["band"] == ["1", "2", "3"]
    assert sum(rows["n"]) == 6000


def test_shares_and_scatters():
    rng = np.random.default_rng(5)
    data = {"mjd": rng.uniform(0, 10, 4000), "zero": (rng.uniform(size=4000) < 0.3) * 1.0}
    share = values_of(made(data, statistic="percent_true"))
    assert share["zero_median"] == pytest.approx(100 * data["zero"].mean())
    std = made({**data, "zero": rng.normal(5, 2, 4000)}, statistic="std")
    assert np.mean(table(std, "course")["std"]) == pytest.approx(2, rel=0.05)


def test_missing_values_and_groups_are_told():
    data = nights()
    data["band"][:50] = NAN
    data["zero"][:10] = NAN
    section = made(data, by="band")
    assert any("band is missing: 50 rows" in note for note in section.notes)


def test_a_distribution_has_groups_too():
    data = nights()
    keys = {"columns": ["zero"], "by": "band", "expect": [1, 2, 3]}
    section = present(Distribution, data, UNITS, **keys)
    assert values_of(section)["worst_zero_median"] == pytest.approx(25.35, abs=0.01)
    assert "zero_median_by_group" in [each.id for each in section.figures]
    many = {**data, "band": np.arange(6000.0) % 100}
    wide = present(Distribution, many, UNITS, columns=["zero"], by="band")
    assert len(table(wide, "zero_median_by_group")["n"]) == 100
    assert "100 groups in their order" in figure(wide, "zero_median_by_group").caption
