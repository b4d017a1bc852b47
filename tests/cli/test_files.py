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
    assert sections["sky"]["edges"] == 20  # about one object in each cell
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


def test_init_for_every_night_suggests_checks_that_hold_today_and_not_for_half_of_it(folder):
    done = call("init", "--nightly", "radio sources.fits", "--output", "night.yaml", cwd=folder)
    assert done.returncode == 0, done.stderr
    text = (folder / "night.yaml").read_text(encoding="utf-8")
    found = yaml.safe_load(text)
    assert "checks: # suggestions" in text
    checks = found["sections"]["overview"]["checks"]
    assert {"rows_at_least": 270} in checks
    assert {"missing_at_most": {"column": "Jmag", "percent": 10}} in checks  # 99 in 5 % of the rows
    ranges = {rule["column"]: rule["between"] for rule in found["sections"]["ranges"]["rules"]}
    assert ranges["RAJ2000"] == [0, 360]
    assert 16 < ranges["Jmag"][0] < ranges["Jmag"][1] < 25
    assert found["output"] == {"keep": {"nights": 60, "monthly": 24}}
    assert "distribution_1.S1_4_median" in found["sections"]["trends"]["metrics"]
    formats = ("--set", "output.formats=[html]")
    assert call("check", "night.yaml", cwd=folder).returncode == 0
    assert call("night.yaml", *formats, cwd=folder).returncode == 0
    half = Table.read(folder / "radio sources.fits")[: ROWS // 2]
    half.write(folder / "half.fits")
    other = ("--set", "catalogues.radio_sources.file=half.fits")
    assert call("night.yaml", *formats, *other, cwd=folder).returncode == 1


def test_init_names_a_schema_for_editors_that_is_there(folder, tmp_path):
    done = call("init", "bare.csv", "--output", tmp_path / "a.yaml", cwd=folder)
    assert done.returncode == 0, done.stderr
    first = (tmp_path / "a.yaml").read_text(encoding="utf-8").splitlines()[0]
    schema = tmp_path / first.removeprefix("# yaml-language-server: $schema=")
    assert json.loads(schema.read_text(encoding="utf-8"))["title"] == "reportgen configuration"


def test_init_of_several_files_without_units_and_with_chosen_sections(folder):
    done = call("init", "bare.csv", "two.h5", "--dataset", "stars", cwd=folder)
    assert done.returncode == 5  # a CSV file has no such table
    assert "bare.csv" in done.stderr
    arguments = ("bare.csv", "radio sources.fits", "--sections", "overview,distribution")
    done = call("init", *arguments, cwd=folder)
    assert done.returncode == 0, done.stderr
    found = yaml.safe_load(done.stdout)
    bare = found["catalogues"]["bare"]["columns"]
    assert "    # Without a unit, so taken for degrees: ra and dec." in done.stdout
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


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A folder with a radio image, a file of two images, a folder of cut-outs, and odd ones."""
    folder = tmp_path_factory.mktemp("images")
    sky = {
        **{"CTYPE1": "RA---SIN", "CRVAL1": 98.2, "CRPIX1": 8.0, "CDELT1": -2.5 / 3600},
        **{"CTYPE2": "DEC--SIN", "CRVAL2": -30.9, "CRPIX2": 5.0, "CDELT2": 2.5 / 3600},
        **{"BUNIT": "JY/BEAM", "BMAJ": 10.9 / 3600, "BMIN": 9.35 / 3600, "BPA": 56.2},
    }
    pixels = np.random.default_rng(3).normal(150e-6, 9e-6, (10, 15)).astype("f4")
    rms = fits.PrimaryHDU(pixels[np.newaxis, np.newaxis])
    rms.header.update(sky)
    rms.writeto(folder / "rms.fits")
    science = [fits.ImageHDU(pixels, name="SCI"), fits.ImageHDU(pixels, name="ERR")]
    fits.HDUList([fits.PrimaryHDU(), *science]).writeto(folder / "two.fits")
    (folder / "cut").mkdir()
    for place in range(3):
        rms.writeto(folder / "cut" / f"{place}.fits")
    rms.header.update({"CTYPE2": "DEC--XYZ", "BUNIT": "furlongs"})
    rms.writeto(folder / "odd.fits")
    (folder / "cut_off.fits").write_bytes((folder / "rms.fits").read_bytes()[:3000])
    return folder


def test_describe_lists_the_images_of_a_file_or_a_folder(images):
    done = call("describe", "rms.fits", cwd=images)
    assert (done.returncode, done.stderr) == (0, "")
    first, _, row, beam = done.stdout.splitlines()
    assert first == "rms.fits: 1 dataset of images"
    assert row.split() == [
        "0",
        "1",
        "of",
        "15",
        "×",
        "10",
        "Jy",
        "/",
        "beam",
        "2.5″",
        *row.split()[-2:],
    ]
    assert row.endswith("06h32m48.0s −30°53′59″")
    assert beam == "Beam of 0: 10.9″ × 9.35″, position angle 56°"
    two = call("describe", "two.fits", cwd=images).stdout.splitlines()
    assert [line.split()[0] for line in two[2:]] == ["1", "2"]
    cut = json.loads(call("describe", "cut", "--json", cwd=images).stdout)["images"][0]
    assert (cut["shape"], cut["unit"]) == ([3, 10, 15, 1], "Jy / beam")
    assert cut["pixel_scale"] == pytest.approx(2.5, rel=1e-3)
    assert "projection code (XYZ in CTYPE2)" in call("describe", "odd.fits", cwd=images).stdout
    for file in ("cut_off.fits", "cut/nothing.fits"):
        assert call("describe", file, cwd=images).returncode == 5


def test_init_begins_a_report_of_images_and_tables_together(images, folder):
    done = call("init", "rms.fits", folder / "bare.csv", "--output", "both.yaml", cwd=images)
    assert done.returncode == 0, done.stderr
    text = (images / "both.yaml").read_text(encoding="utf-8")
    found = yaml.safe_load(text)
    assert found["images"] == {"rms": {"file": "rms.fits"}}
    assert list(found["catalogues"]) == ["bare"]
    assert found["sections"]["rms_image_noise"]["images"] == "rms"
    assert "# 1 image of 15 × 10 pixels; 2.5″ each; beam 10.9″ × 9.35″, position angle 56°." in text
    two = call("init", "two.fits", "cut", cwd=images)
    blocks = yaml.safe_load(two.stdout)
    assert blocks["images"] == {
        "two": {"file": "two.fits", "dataset": "1"},
        "cut": {"file": "cut"},
    }
    assert "catalogues" not in blocks
    assert call("init", "cut_off.fits", cwd=images).returncode == 5


def test_a_report_of_images_is_built_and_says_what_is_odd(images):
    blocks = {"rms": {"file": "rms.fits"}, "cut": {"file": "cut"}, "odd": {"file": "odd.fits"}}
    noise = {"analysis": "image_noise", "title": "Noise"}
    sections = {name: {**noise, "images": name} for name in blocks}
    sections["cut"]["image"] = 2
    report = {"report": {"id": "images", "title": "Images"}, "output": {"formats": ["html"]}}
    config = images / "report.yaml"
    config.write_text(yaml.safe_dump({**report, "images": blocks, "sections": sections}))
    checked = call("check", "report.yaml", cwd=images)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "images cut: 3 of 15 × 10 pixels, FITS file\n" in checked.stdout
    odd = [line for line in checked.stdout.splitlines() if line.startswith("images odd: ")]
    assert "astropy does not know the unit 'furlongs'; it is shown as it is" in odd[1]
    assert odd[2].startswith("images odd: the WCS of its header makes no sense (Unrecognized")
    built = call("build", "report.yaml", "-q", cwd=images)
    assert (built.returncode, built.stderr) == (0, "")
    run = images / "build/images/latest"
    summary = read_summary(run)
    by_id = {each["id"]: each for each in summary["sections"]}
    assert by_id["rms"]["metrics"]["median"]["value"] == by_id["cut"]["metrics"]["median"]["value"]
    assert by_id["rms"]["metrics"]["median"]["unit"] == "Jy / beam"
    assert {(each["entries"], each["rows"]) for each in summary["sections"]} == {("images", 1)}
    assert by_id["odd"]["notes"][0].startswith("Astropy does not know the unit 'furlongs'")
    assert "axes are in pixels" in by_id["odd"]["notes"][1]
    assert "Beam: 10.9″ × 9.35″" in (run / "report.html").read_text(encoding="utf-8")
    cells = (run / "sections/rms/tables/map.csv").read_text(encoding="utf-8")
    assert cells.splitlines()[0].startswith("row,column,ra [deg],dec [deg],value [Jy / beam]")
    again = call("build", "report.yaml", cwd=images)
    assert "are unchanged" in again.stdout
    # The pixels are the same, and where they are is not.
    fits.setval(images / "rms.fits", "CRVAL1", value=99.0)
    changed = call("build", "report.yaml", cwd=images)
    assert "1 of 3 sections was computed" in changed.stdout


def test_a_check_says_which_images_a_build_would_lack(images):
    noise = {"analysis": "image_noise", "title": "Noise"}
    sections = {
        "place": {**noise, "images": "rms", "image": 1},
        "channel": {**noise, "images": "rms", "channel": 1},
        "off": {**noise, "images": "off"},
    }
    blocks = {"rms": {"file": "rms.fits"}, "off": {"file": "cut_off.fits"}}
    report = {"report": {"id": "wrong", "title": "x"}, "output": {"formats": ["html"]}}
    (images / "wrong.yaml").write_text(
        yaml.safe_dump({**report, "images": blocks, "sections": sections})
    )
    checked = call("check", "wrong.yaml", cwd=images)
    built = call("build", "wrong.yaml", "-q", cwd=images)
    assert (checked.returncode, built.returncode) == (5, 5)
    assert "Note: " not in checked.stderr
    for said in (
        "there is no image 1: rms.fits has 1, counted from 0",
        "there is no channel 1: rms.fits has 1, counted from 0",
        "images.off.file: cut_off.fits: is truncated: the data of HDU 0 would end at byte 3480",
    ):
        assert said in checked.stderr.replace(f"{images}/", "")
        assert said in built.stderr.replace(f"{images}/", "")
