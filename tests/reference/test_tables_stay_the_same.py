"""Every number in every table is the one of the reference files beside this test."""

from pathlib import Path

import pytest
from projects import CONFIG, call
from table_digests import read_reference, tables_of

CLOSE = 1e-10
# Convolutions of float32: another processor adds in another order.
CLOSE_MAPS = 1e-4
HTML = ("--set", "output.formats=[html]")


@pytest.fixture(scope="module")
def nightly(survey, tmp_path_factory):
    return _built("nightly.yaml", tmp_path_factory.mktemp("nightly"), CDFS_DATA=str(survey))


@pytest.fixture(scope="module")
def field(survey, tmp_path_factory):
    """One of the reports of configs/fields.yaml, on a survey with another seed."""
    surveys = tmp_path_factory.mktemp("surveys")
    (surveys / "cdfs").symlink_to(survey)
    call("sample", surveys / "elais", "--rows", 1000, "--images", 2, "--seed", 1998)
    folder = tmp_path_factory.mktemp("field")
    arguments = ("--cell", "field=elais")
    return _built("fields.yaml", folder, *arguments, below="elais", FIELDS_DATA=str(surveys))


@pytest.fixture(scope="module")
def real(built_real):
    return built_real


def _built(config, folder, *arguments, below=".", **env):
    env["SOURCE_DATE_EPOCH"] = "1760000000"
    config = CONFIG.parent / config
    done = call(config, "--output", folder, *arguments, *HTML, env=env)
    assert (folder / below / "latest").exists(), done.stderr
    return folder / below / "latest"


@pytest.mark.parametrize("name", ["cdfs", "nightly", "field", "real"])
def test_every_table_has_the_numbers_of_its_reference(name, request):
    run = request.getfixturevalue("built").run if name == "cdfs" else request.getfixturevalue(name)
    expected = read_reference(Path(__file__).parent / f"{name}.json")
    found = {section: tables for section, tables in tables_of(run).items() if tables}
    assert {section: list(tables) for section, tables in found.items()} == {
        section: list(tables) for section, tables in expected.items()
    }
    for section, tables in expected.items():
        close = CLOSE_MAPS if section.startswith("cnn") else CLOSE
        for table, columns in tables.items():
            assert list(found[section][table]) == list(columns), (section, table)
            for column, told in columns.items():
                place = f"{section}: {table}: {column}"
                assert_same(found[section][table][column], told, close, place)


def assert_same(found, expected, close, place):
    """Compare what is told of a column; sums as far as the sizes of their terms allow."""
    assert found.keys() == expected.keys(), place
    for key, value in expected.items():
        if key == "values":
            assert len(found[key]) == len(value), place
            for here, there in zip(found[key], value, strict=True):
                assert here == (there if isinstance(there, str) else near(there, close)), place
        elif key in {"sum", "size"}:
            assert abs(found[key] - value) <= close * expected["size"], place
        else:
            assert found[key] == value, place


def near(value, close):
    return None if value is None else pytest.approx(value, rel=close, abs=close * 1e-5)
