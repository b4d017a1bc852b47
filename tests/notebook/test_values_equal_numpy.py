"""Every quantity of the original notebook, computed anew by numpy, astropy and scipy alone.

Numbers of the report are read from its run folder, as whoever uses them later would.
"""

import numpy as np
import pytest
from astropy.convolution import Gaussian2DKernel, convolve
from astropy.stats import binom_conf_interval
from projects import REAL
from runs import BANDS, Run
from scipy.stats import ks_2samp, pearsonr, spearmanr

COLUMNS = (*BANDS, "stellarity")
FLUXES = "fluxes"
CLOSE = 1e-10


@pytest.fixture(scope="module")
def sample_run(built, survey):
    """The sample survey with configs/cdfs.yaml."""
    return Run(built.run, survey / "crowdastro.h5", survey / "training.h5")


@pytest.fixture(scope="module")
def real_run(built_real):
    """Real objects with configs/real.yaml."""
    return Run(built_real, REAL)


@pytest.fixture(params=["sample", "real"])
def run(request):
    """Each of the two surveys."""
    return request.getfixturevalue(f"{request.param}_run")


def near(expected):
    return pytest.approx(np.asarray(expected, dtype=float), rel=CLOSE, abs=0, nan_ok=True)


def band_range(run):
    values = np.concatenate([run.valid(band) for band in BANDS])
    return values.min(), values.max()


def check_histogram(table, values, edges, name):
    """Compare a table with numpy's histogram."""
    assert table["bin_low"].tolist() == near(edges[:-1])
    assert table["bin_high"].tolist() == near(edges[1:])
    assert table[name].tolist() == np.histogram(values, edges)[0].tolist()


def check_curve(table, values):
    """Compare a table with sorted values, of which it has the first and the last."""
    assert table["rank"][[0, -1]].tolist() == [1, len(values)]
    assert table["value"].tolist() == np.sort(values)[table["rank"] - 1].tolist()


def test_the_distribution_of_stellarity(run):
    values = run.valid("stellarity")
    edges = np.arange(21) / 20
    check_histogram(run.table("stellarity", "histogram_1"), values, edges, "n_stellarity")
    check_curve(run.table("stellarity", "sorted_1"), values)
    expected = (len(values), values.mean(), values.std())
    metrics = [run.metric("stellarity", f"stellarity_{name}") for name in ("n", "mean", "std")]
    assert metrics == near(expected)


# Fluxes


HISTOGRAMS = {  # name: limits, None for those of the data, and the number of bins
    "histogram_1": (None, 150, 20),
    "histogram_2": (150, 1000, 20),
    "histogram_3": (1000, None, 200),
}


@pytest.mark.parametrize("band", BANDS)
def test_the_distribution_of_a_flux(run, band):
    values = run.valid(band)
    every = np.concatenate([run.valid(each) for each in BANDS])
    for name, (low, high, bins) in HISTOGRAMS.items():
        edges = np.linspace(low or every.min(), high or every.max(), bins + 1)
        inside = values[values < high] if high else values
        check_histogram(run.table(FLUXES, name), inside, edges, f"n_{band}")
    for name, below in (("sorted_1", np.inf), ("sorted_2", 1000)):
        table = run.table(FLUXES, name)
        check_curve(table[table["column"] == band], values[values < below])
    for place, cut in enumerate((150, 1000)):
        below = int((values < cut).sum())
        assert run.metric(FLUXES, f"{band}_below_{cut}") == below
        row = run.table(FLUXES, "cuts")[2 * BANDS.index(band) + place]
        lost = len(values) - below
        found = [row[name] for name in ("cut", "total", "below", "lost", "lost fraction")]
        assert found == near([cut, len(values), below, lost, 100 * lost / len(values)])
    row = run.table(FLUXES, "quantiles")[BANDS.index(band)]
    fractions = (0.05, 0.25, 0.5, 0.75, 0.95)
    found = [row[f"{100 * fraction:g} %"] for fraction in fractions]
    assert found == near(np.quantile(values, fractions))
    assert run.metric(FLUXES, f"{band}_median") == near(np.median(values))


# Stellarity against flux


@pytest.mark.parametrize("band", BANDS)
def test_the_points_of_stellarity_against_flux(run, band):
    table = run.table("flux_stellarity", f"against_{band}")
    flux, stellarity = run.pairs(band, "stellarity")
    assert len(flux) <= 2000
    assert table[band].tolist() == flux.tolist()
    assert table["stellarity"].tolist() == stellarity.tolist()


@pytest.mark.parametrize("band", BANDS)
def test_the_running_median_and_its_band(run, band):
    flux, stellarity = run.pairs(band, "stellarity")
    edges = np.geomspace(flux.min(), flux.max(), 19)
    edges[[0, -1]] = flux.min(), flux.max()
    place = np.minimum(np.digitize(flux, edges) - 1, 17)
    table = run.table("flux_stellarity", f"running_against_{band}")
    assert table["bin_low"].tolist() == near(edges[:-1])
    assert table["bin_high"].tolist() == near(edges[1:])
    assert table["n"].tolist() == np.bincount(place, minlength=18).tolist()
    for name, fraction in (("q16", 0.16), ("median", 0.5), ("q84", 0.84)):
        expected = [
            np.quantile(stellarity[place == i], fraction) if (place == i).any() else np.nan
            for i in range(18)
        ]
        assert np.ma.filled(table[name].astype(float), np.nan).tolist() == near(expected)


@pytest.mark.parametrize("band", BANDS)
def test_the_correlations_of_stellarity_with_flux(run, band):
    flux, stellarity = run.pairs(band, "stellarity")
    row = run.table("flux_stellarity", "correlations")[BANDS.index(band)]
    assert row["n"] == len(flux)
    assert row["Pearson r"] == near(pearsonr(flux, stellarity).statistic)
    assert row["Spearman ρ"] == near(spearmanr(flux, stellarity).statistic)
    assert run.metric("flux_stellarity", f"{band}_pearson") == row["Pearson r"]
    assert run.metric("flux_stellarity", f"{band}_spearman") == row["Spearman ρ"]


# The 6 × 6 correlation


def test_the_correlation_over_the_rows_that_each_pair_has(run):
    matrix, rows = run.table("correlation", "matrix"), run.table("correlation", "rows")
    for i, first in enumerate(COLUMNS):
        for second in COLUMNS:
            x, y = run.pairs(first, second)
            assert rows[second][i] == len(x)
            assert matrix[second][i] == near(np.corrcoef(x, y)[0, 1])


# The sky


def heatmap(run, section):
    """Return the notebook's histogram of RA and Dec, with its edges."""
    ra, dec = run.atlas if section == "atlas_sky" else run.pairs("ra", "dec")
    edges = [np.linspace(values.min(), values.max(), num=400) for values in (ra, dec)]
    return np.histogram2d(ra, dec, bins=edges)[0], *edges


def cell_areas(ra, dec):
    """Return the area of cells between edges in RA and Dec, (ra, dec), in square arcminutes."""
    heights = np.diff(np.sin(np.radians(dec)))
    widths = np.diff(np.radians(ra))
    return np.outer(widths, heights) * np.degrees(60) ** 2


@pytest.mark.parametrize("section", ["swire_sky", "atlas_sky"])
def test_the_objects_and_the_smoothed_density_in_each_cell_of_the_sky(run, section):
    counts, ra, dec = heatmap(run, section)
    smoothed = convolve(counts, Gaussian2DKernel(1))
    density = smoothed / cell_areas(ra, dec)
    table = run.table(section, "density")
    column, row = (
        np.searchsorted(edges, np.asarray(table[name])) - 1
        for edges, name in ((ra, "ra"), (dec, "dec"))
    )
    found = np.zeros_like(counts)
    found[column, row] = table["n"]
    assert len(table) == (counts > 0).sum()
    assert found.tolist() == counts.tolist()
    assert table["ra"].tolist() == near((ra[column] + ra[column + 1]) / 2)
    assert table["dec"].tolist() == near((dec[row] + dec[row + 1]) / 2)
    assert table["density"].tolist() == near(density[column, row])


@pytest.mark.parametrize("section", ["swire_sky", "atlas_sky"])
def test_the_numbers_of_a_map_of_the_sky(run, section):
    counts, ra, dec = heatmap(run, section)
    smoothed, areas = convolve(counts, Gaussian2DKernel(1)), cell_areas(ra, dec)
    expected = {
        "objects": counts.sum(),
        "field_area": areas.sum() / 3600,
        "max_density": (smoothed / areas).max(),
        "max_smoothed_count": smoothed.max(),
        "empty_fraction": 100 * (counts == 0).mean(),
    }
    assert {name: run.metric(section, name) for name in expected} == {
        name: near(value) for name, value in expected.items()
    }


# The hosts


def test_the_fraction_of_hosts_in_10_bins_with_its_binomial_error(sample_run):
    run = sample_run
    everything, chosen = run.columns["stellarity"], run.columns["stellarity"][run.is_host]
    counts, edges = np.histogram(everything, np.arange(11) / 10)
    hosts = np.histogram(chosen, edges)[0]
    table = run.table("hosts", "fraction")
    check_histogram(table, everything, edges, "n_all")
    check_histogram(table, chosen, edges, "n_subset")
    low, high = binom_conf_interval(hosts, counts, interval="wilson")
    assert table["fraction"].tolist() == near(100 * hosts / counts)
    assert table["fraction_low"].tolist() == near(100 * low)
    assert table["fraction_high"].tolist() == near(100 * high)


def test_how_far_hosts_differ_from_all(sample_run):
    run = sample_run
    everything, chosen = run.columns["stellarity"], run.columns["stellarity"][run.is_host]
    rest = run.columns["stellarity"][~run.is_host]
    expected = {
        "n_subset": len(chosen),
        "n_all": len(everything),
        "median_subset": np.median(chosen),
        "median_all": np.median(everything),
        "ks_distance": ks_2samp(chosen, everything).statistic,
        "ks_distance_rest": ks_2samp(chosen, rest).statistic,
        "above_cut_subset": 100 * (chosen >= 0.5).mean(),
        "above_cut_all": 100 * (everything >= 0.5).mean(),
    }
    assert {name: run.metric("hosts", name) for name in expected} == {
        name: near(value) for name, value in expected.items()
    }


# What is missing


def test_how_many_values_are_missing(run):
    table = run.table("overview", "columns")
    for row in table:
        if row["column"] in run.columns:
            values = run.columns[row["column"]]
            assert (row["n"], row["missing"]) == ((~np.isnan(values)).sum(), np.isnan(values).sum())
            valid = values[~np.isnan(values)]
            expected = (valid.min(), np.median(valid), valid.max(), valid.mean(), valid.std())
            assert [row[k] for k in ("min", "median", "max", "mean", "std")] == near(expected)
    assert set(run.columns) <= set(table["column"])
