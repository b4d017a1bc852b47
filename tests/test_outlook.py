import os

import pytest

from reportgen.config.text import Source
from reportgen.outlook import Outlook, look_ahead

TEXT = """
report: {id: field}
output: {folder: out, formats: [html]}
catalogues:
  swire: {file: swire.h5, columns: {flux: {dataset: flux}, host: {file: hosts.h5}}}
images:
  atlas: {file: atlas.h5}
models:
  cnn: {architecture: cnn.json, weights: {first: {file: weights.h5}}}
sections:
  sky: {analysis: sky_density, catalogue: swire}
  maps: {analysis: feature_maps, images: atlas, model: cnn}
"""
FILES = "swire.h5", "hosts.h5", "atlas.h5", "cnn.json", "weights.h5"
BOTH = ("feature_maps", "sky_density")
NOTHING = Outlook()
EARLIER, LATER = 1_000_000_000, 4_000_000_000  # seconds since 1970


@pytest.fixture
def night(tmp_path):
    """Give a function that looks ahead in a folder where a report was built."""
    for name in FILES:
        (tmp_path / name).touch()
    config = tmp_path / "field.yaml"
    config.write_text(TEXT)

    def look(text=TEXT, **options):
        return look_ahead(Source.of(config, text).document(), **options)

    for folder in (tmp_path / "out", tmp_path / "build" / "field"):
        (folder / ".cache").mkdir(parents=True)
        (folder / "latest").mkdir()
    return look


def write_later(path):
    os.utime(path, (LATER, LATER))


def test_nothing_is_likely_to_be_made_of_files_that_are_older_than_the_last_run(night):
    assert night() == NOTHING


def test_all_is_made_on_the_first_night(night, tmp_path):
    (tmp_path / "out" / "latest").rmdir()
    assert night() == Outlook(BOTH, export=True)


def test_all_is_made_when_nothing_is_kept(night, tmp_path):
    (tmp_path / "out" / ".cache").rmdir()
    assert night() == Outlook(BOTH, export=True)


def test_all_is_made_anew_when_that_is_asked_for(night):
    assert night(anew=True) == Outlook(BOTH, export=True)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("swire.h5", Outlook(BOTH)),
        ("hosts.h5", Outlook(BOTH)),
        ("atlas.h5", Outlook(BOTH)),
        ("cnn.json", Outlook(BOTH, export=True)),
        ("weights.h5", Outlook(BOTH, export=True)),
        ("field.yaml", Outlook(BOTH)),
    ],
)
def test_sections_are_made_when_a_file_is_newer_than_the_last_run(night, tmp_path, name, expected):
    write_later(tmp_path / name)
    assert night() == expected


def test_a_file_that_was_put_in_place_since_counts_whatever_its_date(night, tmp_path):
    last = (tmp_path / "out" / "latest").stat().st_ctime
    file = tmp_path / "swire.h5"
    while file.stat().st_ctime <= last:  # within the resolution of the clock
        os.utime(file, (EARLIER, EARLIER))
    assert night() == Outlook(BOTH)


def test_sections_that_are_not_built_count_for_nothing(night, tmp_path):
    (tmp_path / "out" / "latest").rmdir()
    assert night(only=["sky"]) == Outlook(("sky_density",))


def test_a_file_that_is_missing_is_new(night, tmp_path):
    (tmp_path / "hosts.h5").unlink()
    assert night() == Outlook(BOTH)


def test_a_trend_is_made_every_night(night):
    text = TEXT.replace("sections:", "sections:\n  nights: {analysis: trend}")
    assert night(text) == Outlook((*BOTH, "trend"))


def test_the_folder_of_runs_is_that_of_the_command_or_the_file_or_named_after_the_report(
    night, tmp_path
):
    (tmp_path / "out" / "latest").rmdir()
    assert night(output=tmp_path / "build" / "field") == NOTHING
    assert night(TEXT.replace("folder: out, ", "")) == NOTHING


@pytest.mark.parametrize(
    ("formats", "expected"),
    [("", True), ("formats: [html, pdf]", True), ("formats: [html]", False), ("formats: 1", False)],
)
def test_a_pdf_is_made_unless_the_file_says_otherwise(night, formats, expected):
    assert night(TEXT.replace("formats: [html]", formats)).pdf is expected


def test_the_reports_of_a_matrix_have_processes_of_their_own(night, tmp_path):
    (tmp_path / "out" / "latest").rmdir()
    assert night(TEXT + "matrix: {band: [a, b]}") == NOTHING


@pytest.mark.parametrize(
    "text",
    [
        "report: 1",
        "output: {folder: [1]}\nsections: [a]\ncatalogues: {x: [1]}",
        "catalogues: {x: {file: ~nobody-of-this-name/x}}\nsections: {a: 1}",
        'output: {folder: "\\0"}\ncatalogues: {x: {file: "\\0"}}',
    ],
)
def test_what_is_wrong_with_the_file_is_for_others_to_say(night, text):
    assert night(text).pdf is True
