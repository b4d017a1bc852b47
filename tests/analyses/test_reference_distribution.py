import numpy as np
import pytest
from presenting import figure, present, table, values_of
from scipy.stats import norm

from reportgen.analyses.reference_distribution import ReferenceDistribution

KEYS = {"catalogue": "ref", "low": "zmin", "high": "zmax", "mean": "share"}
EDGES = np.linspace(-6, 6, 241)


def expected(mean=0.0, **columns):
    return {
        "zmin": EDGES[:-1],
        "zmax": EDGES[1:],
        "share": np.diff(norm.cdf(EDGES, mean)),
        **columns,
    }


def made(data, ref, reference=None, **keys):
    keys = {"column": "z", "reference": {**KEYS, **(reference or {})}, **keys}
    return present(ReferenceDistribution, data, others={"ref": ref}, **keys)


def quantiles(n=40_000):
    """Return values whose distribution is the normal one, as evenly as so many can be."""
    return norm.ppf((np.arange(n) + 0.5) / n)


def test_distances_of_two_normal_distributions_are_those_of_theory():
    found = values_of(made({"z": quantiles()}, expected(0.5)))
    assert found["ks_distance"] == pytest.approx(0.197413, abs=1e-3)
    assert found["wasserstein"] == pytest.approx(0.5, abs=1e-3)
    assert found["stability_index"] == pytest.approx(0.25, abs=0.01)
    assert found["chi2_per_bin"] > 10


def test_what_is_as_expected_is_near_and_errors_are_poisson_s():
    rng = np.random.default_rng(3)
    section = made({"z": rng.normal(size=20_000)}, expected())
    found = values_of(section)
    assert found["ks_distance"] < 0.01
    assert found["chi2_per_bin"] == pytest.approx(1, abs=0.25)
    rows = table(section, "bins")
    assert sum(rows["expected"]) == pytest.approx(20_000)
    assert sum(rows["n"]) + 0 == 20_000
    wide = made(
        {"z": rng.normal(size=20_000)}, expected(scatter=np.full(240, 1.0)), {"scatter": "scatter"}
    )
    assert values_of(wide)["chi2_per_bin"] < 0.01


def test_each_group_has_its_reference_and_one_without_is_said():
    rng = np.random.default_rng(4)
    z = np.concatenate([rng.normal(size=3000), rng.normal(1, size=3000), rng.normal(size=25)])
    data = {"z": z, "kind_": np.repeat([1.0, 2.0, 3.0], [3000, 3000, 25])}
    one, two = expected(kind=np.full(240, 1.0)), expected(kind=np.full(240, 2.0))
    ref = {name: np.concatenate([one[name], two[name]]) for name in one}
    section = made(data, ref, {"by": "kind"}, by="kind_", expect=[1, 2, 4])
    found = values_of(section)
    assert found["groups"] == 2
    assert found["worst_ks_distance"] == pytest.approx(0.383, abs=0.02)
    said = " ".join(section.findings)
    assert "kind_ 2 is the farthest from its reference" in said
    assert "Without a reference: 3" in said
    assert "though expected: 4" in said
    assert [each.id for each in section.figures] == ["bins_1", "bins_2"]
    assert table(section, "groups")["kind_"] == ["1", "2"]


def test_values_outside_the_bins_and_nothing_to_compare_are_said():
    section = made({"z": np.array([0.0] * 50 + [100.0])}, expected())
    assert "Outside the bins of the reference: 1 value (2.0" in section.notes[0]
    empty = made({"z": np.array([100.0])}, expected())
    assert "nothing to compare" in empty.findings[0]
    assert np.isnan(values_of(empty)["ks_distance"])
    assert figure(empty, "bins")
