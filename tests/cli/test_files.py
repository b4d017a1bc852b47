"""describe and init: what a newcomer sees of a file, and the configuration that builds."""

import json

import h5py
import numpy as np
import pytest
import yaml
from astropy.io import fits
from astropy.table import MaskedColumn, Table
from projects import call, read_summary

ROWS = 300


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a FITS file of VizieR's kind, one without units, and HDF5 of two tables."""
    folder = tmp_path_factory.mktemp("files")
    random = np.random.default_rng(4)
    table = Table(
        {
            "RAJ2000": random.uniform(50, 55, ROWS),
            "DEJ2000": random.uniform(-30, -25, ROWS),
            "S1.4": random.lognormal(1, 2, ROWS),
            "e_S1.4": random.lognormal(0, 1, ROWS),
            "Speak": random.lognormal(1, 2, ROWS),
            "Jmag": np.where(np.arange(ROWS) % 20, random.normal(20, 1, ROWS), 99),
            "Name": [f"J{number:04d}" for number in range(ROWS)],
            "counts": MaskedColumn(np.arange(ROWS), mask=np.arange(ROWS) < 10),
        },
        units={"RAJ2000": "deg", "DEJ2000": "deg", "S1.4": "mJy", "e_S1.4": "mJy", "Jmag": "mag"},
    )
    table["Speak"].unit = "mJy"
    table.write(folder / "radio sources.fits")
    said = "? Flux density at 1.4 GHz (3)"  # in the notation of VizieR
    fits.setval(folder / "radio sources.fits", "TCOMM3", value=said, ext=1)
    bare = Table({"ra": table["RAJ2000"].data, "dec": table["DEJ2000"].data, "flux": [1.0] * ROWS})
    bare["flux"][:40] = -99
    bare.write(folder / "bare.csv")
    with h5py.File(folder / "two.h5", "w") as file:
        file["stars"] = np.rec.fromarrays([np.arange(5.0)], names=["mag"])
        file["galaxies"] = np.rec.fromarrays([np.arange(7.0)], names=["mag"])
    return folder


def test_describe_says_format_rows_columns_units_and_what_is_left_out(folder):
    done = call("describe", "radio sources.fits", cwd=folder)
    assert done.returncode == 0, done.stderr
    first, *lines = done.stdout.splitlines()
    assert first == "radio sources.fits: a FITS file, 300 rows of 8 columns"
    said = {line.split()[0]: line for line in lines}
    assert "float64" in said["S1_4"]
    assert "mJy" in said["S1_4"]
    assert "(S1.4)" in said["S1_4"]  # its name in the file
    assert said["Name"].split() == ["Name", "text"]
    found = json.loads(call("describe", "radio sources.fits", "--json", cwd=folder).stdout)
    assert found["rows"] == ROWS
    columns = {column["name"]: column for column in found["columns"]}
    assert columns["S1.4"]["key"] == "S1_4"
    assert columns["Name"]["dtype"] == "str"


def test_init_writes_what_builds_and_says_what_the_file_does_not(folder):
    done = call("init", "radio sources.fits", "--output", "radio.yaml", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "radio.yaml: build it with: reportgen radio.yaml\n"
    text = (folder / "radio.yaml").read_text(encoding="utf-8")
    found = yaml.safe_load(text)
    assert found["report"] == {"id": "radio_sources", "title": "radio sources"}
    assert found["catalogues"] == {
        "radio_sources": {"file": "radio sources.fits", "columns": {"Jmag": {"missing": [99]}}}
    }
    assert "# may stand for a missing value: 99 in 15 rows" in text
    assert "# 300 rows; 8 columns." in text
    sections = found["sections"]
    assert list(sections) == ["overview", "sky", "distribution_1", "distribution_2"]
    fluxes, magnitudes = sections["distribution_1"], sections["distribution_2"]
    assert fluxes["title"] == "Flux densities in mJy"
    assert fluxes["columns"] == ["S1_4", "Speak"]  # without the errors
    assert fluxes["histograms"] == [{"log": True}]
    assert magnitudes["title"] == "Magnitudes"
    built = call("radio.yaml", "--set", "output.formats=[html]", cwd=folder)
    assert built.returncode == 0, built.stderr
    record = read_summary(folder / "build" / "radio_sources" / "latest")
    assert [section["status"] for section in record["sections"]] == ["ok"] * 4
    label = record["sections"][2]["metrics"]["S1_4_median"]["label"]
    assert label.replace("\N{NO-BREAK SPACE}", " ") == "Flux density at 1.4 GHz median"


def test_init_overwrites_nothing(folder):
    (folder / "mine.yaml").write_text("mine")
    done = call("init", "bare.csv", "--output", "mine.yaml", cwd=folder)
    assert done.returncode == 2
    assert "there is such a file already" in done.stderr
    assert (folder / "mine.yaml").read_text() == "mine"


def test_init_of_several_files_without_units_and_with_chosen_sections(folder):
    done = call("init", "bare.csv", "two.h5", "--dataset", "stars", cwd=folder)
    assert done.returncode == 5  # a CSV file has no such table
    assert "bare.csv" in done.stderr
    arguments = ("bare.csv", "radio sources.fits", "--sections", "overview,distribution")
    done = call("init", *arguments, cwd=folder)
    assert done.returncode == 0, done.stderr
    found = yaml.safe_load(done.stdout)
    bare = found["catalogues"]["bare"]["columns"]
    assert bare["ra"] == bare["dec"] == {"unit": "deg"}
    assert bare["flux"] == {"missing": [-99]}
    assert list(found["sections"]) == [
        *("bare_overview", "radio_sources_overview"),
        *("radio_sources_distribution_1", "radio_sources_distribution_2"),
    ]
    assert "#   columns: [flux]" in done.stdout
    (folder / "both.yaml").write_text(done.stdout, encoding="utf-8")
    checked = call("check", "both.yaml", cwd=folder)
    assert checked.returncode == 0, checked.stderr


def test_several_tables_and_unknown_analyses_are_told(folder):
    several = call("init", "two.h5", cwd=folder)
    assert several.returncode == 5
    assert "two.h5: holds 2 tables" in several.stderr
    assert "/galaxies, /stars" in several.stderr
    one = call("init", "two.h5", "--dataset", "stars", cwd=folder)
    assert one.returncode == 0, one.stderr
    assert yaml.safe_load(one.stdout)["catalogues"] == {
        "two": {"file": "two.h5", "dataset": "stars"}
    }
    unknown = call("init", "two.h5", "--sections", "overviews", cwd=folder)
    assert unknown.returncode == 2
    assert "did you mean 'overview'" in unknown.stderr
