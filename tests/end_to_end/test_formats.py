"""One configuration, files of every format: the numbers of a report do not depend on the format."""

import re
import warnings
from pathlib import Path

import pytest
import yaml
from astropy.table import Table
from every_format import write_rows
from projects import call, read_summary

from reportgen.config.sources import CatalogueBlock
from reportgen.data.catalogue import Catalogue, open_catalogues

SHARED = Path(__file__).parents[3] / "shared" / "data"
ROWS = 20_000  # more than one block of a scan
SECTIONS = {
    "overview": {"analysis": "overview"},
    "chosen": {
        "analysis": "distribution",
        "columns": ["colour"],
        "where": "is_star and id > 9007199254742000 and dec < -27.5",
    },
    "pairs": {"analysis": "correlation", "columns": ["ra", "flux", "id", "colour"]},
}
IMAGES = "holds an image of"
REFUSED = {
    "comp.fits": IMAGES,
    "1904-66_SIN.fits": IMAGES,
    "1904-66_SIN_bkg.fits": IMAGES,
    "1904-66_SIN_cube.fits": IMAGES,
    "1904-66_SIN_psf.fits": IMAGES,
    "1904-66_SIN_rms.fits": IMAGES,
    "alfalfa_sp.fits": "holds 2 tables",
    "blosc_bigendian.h5": "has no column of numbers",
    "compressed_with_nan.fits": IMAGES,
    "crowdastro_cdfs.h5": "holds no table whose columns have names",
    "de_zotti_1p4.txt": "is no table of a format that is known",
    "flint_SB39400_subimage_rms.fits": IMAGES,
    "indexes_2_1.h5": "holds 2 tables",
    "m13_gzip.fits": IMAGES,
    "m13_hcomp.fits": IMAGES,
    "m13_rice.fits": IMAGES,
    "most_votable.xml": "holds 2 tables",
    "names.xml": "it announces 18949 rows and holds 1",
    "o4sp040b0_raw.fits": IMAGES,
    "out_of_order_types.h5": "has no column of numbers",
    "python3.h5": "holds 4 tables",
    "regression.xml": "holds 3 tables",
    "scale.fits": IMAGES,
    "synthetic_test.fits": IMAGES,
    "tables.csv": "has no column of numbers",
    "test.fits": IMAGES,
    "times-nested-be.h5": "has no column of numbers",
    "variable_length_table.fits": "has no column of numbers",
    "vots_spec.dat": "is no table of a format that is known",
    "zerowidth.fits": "holds 5 tables",
}
"""What is said of public files that are no catalogue, or several."""


def configure(folder, catalogues, sections=None):
    """Write a configuration with sections of each catalogue."""
    settings = {
        "report": {"id": "formats", "title": "Formats"},
        "output": {"folder": "out", "formats": ["html"]},
        "catalogues": catalogues,
        "sections": {
            f"{name}_of_{catalogue}": {**keys, "catalogue": catalogue, "title": name.capitalize()}
            for catalogue in catalogues
            for name, keys in (sections or {"overview": {"analysis": "overview"}}).items()
        },
    }
    (folder / "all.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))


def results(run):
    """Return the numbers of sections and the bytes of their tables, by catalogue and section."""
    found = {}
    for section in read_summary(run)["sections"]:
        name, catalogue = section["id"].split("_of_")
        folder = run / "sections" / section["id"] / "tables"
        files = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
        said = [section[key] for key in ("status", "findings", "metrics")]
        found.setdefault(catalogue, {})[name] = (said, files)
    return found


def test_the_same_rows_give_the_same_numbers_and_tables_in_every_format(tmp_path):
    files = write_rows(tmp_path, ROWS)
    catalogues = {
        name: {"file": path.name, "exact_rows": ROWS // 2} for name, path in files.items()
    }
    configure(tmp_path, catalogues, SECTIONS)
    done = call("all.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    one, *others = results(tmp_path / "out" / "latest").values()
    assert set(one) == set(SECTIONS)
    assert len(others) == 7  # formats
    for other in others:
        assert other == one


def public_files():
    """Return files of public projects, and folders that are one catalogue."""
    if not SHARED.exists():
        pytest.skip("there is no ../shared/data beside the repository")
    found = [*SHARED.glob("formats/*/*"), *SHARED.glob("cdfs_real/*"), *SHARED.rglob("survey/**/*")]
    return sorted(
        {path for path in found if path.suffix != ".md" and (path.is_file() or "hats" in str(path))}
    )


@pytest.fixture(scope="module")
def public_catalogues():
    """What is found in public files, by the name of the file; without columns where refused."""
    pytest.importorskip("pyarrow")
    blocks = {str(path): CatalogueBlock(file=path) for path in public_files()}
    return open_catalogues(blocks, lambda *key: ".".join(key))


def test_a_public_file_is_a_catalogue_or_is_refused_with_a_cure(public_catalogues):
    refused = {}
    for path, found in public_catalogues.items():
        if not isinstance(found, Catalogue):
            assert f": {path}: " in found.message, found.message
            assert found.hint, found.message
            refused[Path(path).name] = found.message
    assert refused.keys() == REFUSED.keys()
    for name, said in REFUSED.items():
        assert said in refused[name]


def test_public_catalogues_are_read_whole_without_a_warning_of_a_library(public_catalogues, capfd):
    catalogues = [each for each in public_catalogues.values() if isinstance(each, Catalogue)]
    assert len(catalogues) > 40
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for catalogue in catalogues:
            assert not catalogue.broken
            with catalogue.reading(catalogue.columns) as read:
                values = read(range(catalogue.rows))
            assert {each.shape[-1] for each in values.values()} == {catalogue.rows}
    assert capfd.readouterr() == ("", "")


def test_public_files_build_with_the_shortest_configuration_and_the_gaia_slice_alike(tmp_path):
    gaia = [path for path in public_files() if path.name.startswith("gaia-small")]
    assert len(gaia) == 3
    others = ["1712337806100O-result.ecsv", "small_sky_o1_collection", "AT20G.fits", "cds2.dat"]
    files = [*gaia, *(path for path in public_files() if path.name in others)]
    catalogues = {re.sub(r"\W", "_", path.name): {"file": str(path)} for path in files}
    configure(tmp_path, catalogues)
    done = call("all.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    assert "Traceback" not in done.stderr
    found = results(tmp_path / "out" / "latest")
    assert len(found) == 7
    one, *others = [sections for name, sections in found.items() if name.startswith("gaia")]
    for other in others:
        assert other == one


def test_what_a_file_says_of_rows_that_are_left_out_stands_with_its_sections(tmp_path):
    """A server that cuts a table off says so in the file, not in the rows."""
    file = tmp_path / "rows.vot"
    Table({"x": [1.0, 2.0]}).write(file, format="votable")
    info = '<INFO name="QUERY_STATUS" value="OVERFLOW">the first 2</INFO></RESOURCE>'
    file.write_text(file.read_text().replace("</RESOURCE>", info))
    configure(tmp_path, {"rows": {"file": "rows.vot"}})
    assert call("all.yaml", cwd=tmp_path).returncode == 0
    (section,) = read_summary(tmp_path / "out/latest")["sections"]
    assert section["notes"][0].startswith("The server that wrote this table left out rows")
