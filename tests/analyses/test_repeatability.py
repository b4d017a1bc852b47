import numpy as np
import pytest
from presenting import NAN, axes, check, figure, present, table, values_of

from reportgen.analyses.repeatability import Repeatability
from reportgen.errors import SectionError

UNITS = {"mag": "mag", "colour": "mag", "flux": "mJy"}
KEYS = {"object": "id", "value": "mag"}


def visits(objects=2000, each=5, sigma=0.02, seed=6):
    """Return visits of objects whose magnitudes have normal errors, in any order."""
    rng = np.random.default_rng(seed)
    ids = np.repeat(np.arange(objects), each)
    true = rng.uniform(15, 22, objects)
    order = rng.permutation(len(ids))
    mag = true[ids] + rng.normal(0, sigma, len(ids))
    return {"id": ids[order], "mag": mag[order], "colour": (true / 10)[ids][order]}


def repeatability(data, **keys):
    return present(Repeatability, data, UNITS, **{**KEYS, **keys})


@pytest.mark.parametrize(
    ("each", "bias"), [(3, 0.832555), (5, 0.916064), (10, 0.962799), (30, 0.988488)]
)
def test_the_median_scatter_of_normal_errors_is_what_it_must_be(each, bias):
    found = repeatability(visits(40_000 // each, each))
    values = values_of(found)
    assert values["repeatability"] == pytest.approx(20 * bias, rel=0.02)
    assert (found.metrics["repeatability"].unit, values["visits_median"]) == ("mmag", each)
    assert f"{bias:.3f} times the true one" in found.notes[0]


def test_scatter_and_outliers_are_those_of_numpy():
    data = visits(300, 4)
    data["mag"][data["id"] < 30] *= 1 + 0.01 * np.arange((data["id"] < 30).sum()) % 3
    found = repeatability(data, outlier="0.06 mag", checks=[{"metric": "repeatability", "max": 25}])
    std = np.array([data["mag"][data["id"] == k].std(ddof=1) for k in range(300)]) * 1000
    values = values_of(found)
    assert values["repeatability"] == pytest.approx(np.median(std))
    assert values["outliers_percent"] == pytest.approx(100 * (std > 60).mean())
    assert table(found, "repeatability")["std"] == pytest.approx(std)
    worst = table(found, "worst")
    assert worst["id"] == [str(k) for k in np.argsort(-std, kind="stable")[:10]]
    caption = figure(found, "repeatability").caption.replace("\u00a0", " ")
    assert "Dotted: 60 mmag, above it are outliers." in caption
    assert "limit of the checks, 25 mmag." in caption
    check(found)


def test_objects_with_few_visits_are_not_used_and_counted():
    data = {"id": [1, 1, 1, 2, 2, NAN, 1], "mag": [10, 10.2, 10.4, 9, 9, 9, NAN]}
    data |= {"colour": np.zeros(7)}
    found = repeatability({name: np.array(values) for name, values in data.items()})
    assert values_of(found)["objects"] == 1
    assert values_of(found)["repeatability"] == pytest.approx(200)
    assert np.isnan(values_of(found)["outliers_percent"])
    assert "With fewer visits, so not used: 1 object." in found.notes
    assert "Without an object or a value: 2 rows." in found.notes
    check(found)


def test_no_object_with_enough_visits_is_said_and_nothing_is_claimed():
    found = repeatability(visits(20, 2))
    assert found.findings == ["No object has 3 visits or more."]
    assert np.isnan(values_of(found)["repeatability"])
    check(found)
    for data in (visits(0), {name: np.full(4, NAN) for name in visits(1)}):
        with pytest.raises(SectionError, match=r"no rows|no row has values in all of id and mag"):
            repeatability(data)


def test_objects_without_scatter_are_a_whole_section():
    data = {name: np.ones(12) for name in visits(1)}
    found = repeatability(data)
    assert values_of(found)["repeatability"] == 0
    assert "as logarithms have no 0: 1 object." in figure(found, "repeatability").caption
    check(found)


def test_another_axis_and_many_objects_are_drawn():
    found = repeatability(visits(11_000, 3), against="colour", log_x=True)
    drawn = axes(figure(found, "repeatability"))
    assert drawn.get_xlabel() == "Mean colour [mag]"
    assert drawn.get_xscale() == "log"
    assert drawn.collections
    check(found)


def test_flux_densities_in_other_units_have_the_same_scatter():
    data = visits(200)
    flux = {"id": data["id"], "flux": data["mag"]}
    keys = {"object": "id", "value": "flux", "outlier": "0.02 mJy"}
    one = present(Repeatability, flux, {"flux": "mJy"}, **keys)
    in_jansky = {**flux, "flux": flux["flux"] / 1000}
    other = present(Repeatability, in_jansky, {"flux": "Jy"}, **keys)
    values = {**values_of(other)}
    assert other.metrics["repeatability"].unit == "Jy"
    values["repeatability"] *= 1000
    assert values == pytest.approx(values_of(one), rel=1e-9)
