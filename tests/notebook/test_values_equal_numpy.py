"""Every quantity of the original notebook, computed anew by numpy, astropy and scipy alone.

Numbers of the report are read from its run folder, as whoever uses them later would.
"""

import numpy as np
import pytest
from astropy.convolution import Gaussian2DKernel, convolve
from astropy.stats import binom_conf_interval
from projects import CONFIG, REAL, reportgen
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
def other_run(survey, tmp_path_factory):
    """The sample survey, where panels are densities and the correlation takes complete rows."""
    changes = (
        "output.formats=[html]",
        "sections.correlation.rows=complete",
        "sections.flux_stellarity.points=100",
    )
    arguments = [part for change in changes for part in ("--set", change)]
    only = ("--only", "correlation", "--only", "flux_stellarity")
    folder = tmp_path_factory.mktemp("other")
    done = reportgen(CONFIG, *arguments, *only, "--output", folder, env={"CDFS_DATA": str(survey)})
    assert done.returncode == 0, done.stderr
    (run,) = folder.glob("2*Z")
    return Run(run, survey / "crowdastro.h5", survey / "training.h5")


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


# Stellarity


def test_the_stellarity_histogram_of_20_bins(run):
    counts, edges = np.histogram(run.valid("stellarity"), bins=20)
    table = run.table("stellarity", "histogram_1")
    assert table["n_stellarity"].tolist() == counts.tolist()
    assert table["bin_low"].tolist() == near(edges[:-1])
    assert table["bin_high"].tolist() == near(edges[1:])


def test_the_sorted_stellarity_curve(run):
    table = run.table("stellarity", "sorted_1")
    values = np.sort(run.valid("stellarity"))
    assert table["rank"][0] == 1
    assert table["rank"][-1] == len(values)
    assert table["value"].tolist() == values[table["rank"] - 1].tolist()


def test_the_moments_of_stellarity(run):
    values = run.valid("stellarity")
    assert run.metric("stellarity", "stellarity_n") == len(values)
    assert run.metric("stellarity", "stellarity_mean") == near(values.mean())
    assert run.metric("stellarity", "stellarity_std") == near(values.std())


# Fluxes


@pytest.mark.parametrize(("name", "below"), [("sorted_1", np.inf), ("sorted_2", 1000)])
@pytest.mark.parametrize("band", BANDS)
def test_a_sorted_flux_curve(run, name, below, band):
    table = run.table(FLUXES, name)
    table = table[table["column"] == band]
    values = np.sort(run.valid(band))
    values = values[values < below]
    assert table["rank"][0] == 1
    assert table["rank"][-1] == len(values)
    assert table["value"].tolist() == values[table["rank"] - 1].tolist()


HISTOGRAMS = {  # name: limits, None for those of the data, and the number of bins
    "histogram_1": (None, 150, 20),
    "histogram_2": (150, 1000, 20),
    "histogram_3": (1000, None, 200),
}


@pytest.mark.parametrize("band", BANDS)
@pytest.mark.parametrize("name", HISTOGRAMS)
def test_the_flux_histograms(run, name, band):
    low, high, bins = HISTOGRAMS[name]
    lowest, highest = band_range(run)
    edges = np.linspace(low or lowest, high or highest, bins + 1)
    values = run.valid(band)
    table = run.table(FLUXES, name)
    assert table["bin_low"].tolist() == near(edges[:-1])
    assert table["bin_high"].tolist() == near(edges[1:])
    counts = np.histogram(values[values < high] if high else values, edges)[0]
    assert table[f"n_{band}"].tolist() == counts.tolist()


@pytest.mark.parametrize("band", BANDS)
def test_the_three_flux_histograms_have_every_object_once(run, band):
    parts = [run.table(FLUXES, f"histogram_{i}")[f"n_{band}"].sum() for i in (1, 2, 3)]
    assert sum(parts) == len(run.valid(band))


@pytest.mark.parametrize("cut", [150, 1000])
@pytest.mark.parametrize("band", BANDS)
def test_how_many_objects_a_cut_leaves(run, band, cut):
    values = run.valid(band)
    below = int((values < cut).sum())
    assert run.metric(FLUXES, f"{band}_below_{cut}") == below
    table = run.table(FLUXES, "cuts")
    row = table[2 * BANDS.index(band) + (cut == 1000)]
    assert (row["cut"], row["total"], row["below"]) == (cut, len(values), below)
    assert row["lost"] == len(values) - below
    assert row["lost fraction"] == near(100 * (values >= cut).mean())


@pytest.mark.parametrize("band", BANDS)
def test_the_quantiles_of_a_flux(run, band):
    row = run.table(FLUXES, "quantiles")[BANDS.index(band)]
    fractions = (0.05, 0.25, 0.5, 0.75, 0.95)
    found = [row[f"{100 * fraction:g} %"] for fraction in fractions]
    assert found == near(np.quantile(run.valid(band), fractions))
    assert run.metric(FLUXES, f"{band}_median") == near(np.median(run.valid(band)))


# Stellarity against flux


@pytest.mark.parametrize("band", BANDS)
def test_the_points_of_stellarity_against_flux(run, band):
    table = run.table("flux_stellarity", f"against_{band}")
    flux, stellarity = run.pairs(band, "stellarity")
    assert len(flux) <= 2000
    assert table[band].tolist() == flux.tolist()
    assert table["stellarity"].tolist() == stellarity.tolist()


@pytest.mark.parametrize("band", BANDS)
def test_the_density_of_stellarity_against_flux(other_run, band):
    flux, stellarity = other_run.pairs(band, "stellarity")
    x, y = (
        np.geomspace(flux.min(), flux.max(), 41),
        np.linspace(stellarity.min(), stellarity.max(), 41),
    )
    counts = np.histogram2d(flux, stellarity, bins=[x, y])[0]
    table = other_run.table("flux_stellarity", f"against_{band}")
    found = np.zeros_like(counts)
    cells = [
        np.searchsorted(edges * (1 + CLOSE), table[name])
        for edges, name in ((x, f"{band}_low"), (y, "stellarity_low"))
    ]
    found[*cells] = table["n"]
    assert found.tolist() == counts.tolist()
    for name, edges, shift, cell in (
        (f"{band}_low", x, 0, cells[0]),
        (f"{band}_high", x, 1, cells[0]),
        ("stellarity_low", y, 0, cells[1]),
        ("stellarity_high", y, 1, cells[1]),
    ):
        assert table[name].tolist() == near(edges[cell + shift])


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


def test_the_correlation_over_complete_rows(other_run):
    block = np.stack([other_run.columns[name] for name in COLUMNS])
    block = block[:, ~np.isnan(block).any(axis=0)]
    expected = np.corrcoef(block)
    matrix = other_run.table("correlation", "matrix")
    rows = other_run.table("correlation", "rows")
    for i in range(6):
        assert [matrix[name][i] for name in COLUMNS] == near(expected[i])
        assert [rows[name][i] for name in COLUMNS] == [block.shape[1]] * 6


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
        "covered_area": areas[counts > 0].sum() / 3600,
        "mean_density": counts.sum() / areas.sum(),
        "max_density": (smoothed / areas).max(),
        "max_smoothed_count": smoothed.max(),
        "empty_fraction": 100 * (counts == 0).mean(),
    }
    assert {name: run.metric(section, name) for name in expected} == {
        name: near(value) for name, value in expected.items()
    }


# The hosts


def test_the_stellarity_of_hosts_and_of_all_in_10_bins(sample_run):
    run = sample_run
    everything, chosen = run.columns["stellarity"], run.columns["stellarity"][run.is_host]
    counts, edges = np.histogram(everything, bins=10)
    table = run.table("hosts", "distributions")
    hosts = np.histogram(chosen, edges)[0]
    assert table["n_all"].tolist() == counts.tolist()
    assert table["n_subset"].tolist() == hosts.tolist()
    assert table["bin_low"].tolist() == near(edges[:-1])
    assert table["bin_high"].tolist() == near(edges[1:])


def test_the_fraction_of_hosts_with_its_binomial_error(sample_run):
    table = sample_run.table("hosts", "fraction")
    chosen, everything = np.asarray(table["n_subset"]), np.asarray(table["n_all"])
    low, high = binom_conf_interval(chosen, everything, interval="wilson")
    assert table["fraction"].tolist() == near(100 * chosen / everything)
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
