"""Sections on two catalogues: cached by both, and what becomes of them when one fails."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from astropy.table import Table
from projects import Project, call, read_summary, small_project

SHARED = Path(__file__).parents[3] / "shared" / "data"
POSITIONS = {"ra": {"dataset": "ra", "unit": "deg"}, "dec": {"dataset": "dec", "unit": "deg"}}


def positions(seed, moved=0.0):
    rng = np.random.default_rng(seed)
    ra, dec = rng.uniform(10, 11, 500), rng.uniform(-1, 1, 500)
    return ra + moved / 3600, dec


@pytest.fixture
def project(tmp_path):
    project = small_project(tmp_path)
    write(tmp_path / "ours.h5", *positions(1, moved=1.0))
    write(tmp_path / "theirs.h5", *positions(1))
    matched = {"analysis": "astrometry", "catalogue": "ours", "title": "Positions"}
    overview = {"analysis": "overview", "title": "What is there"}
    project.configure(
        {
            "positions": {**matched, "match": {"catalogue": "theirs", "radius": "3 arcsec"}},
            "wide": {**matched, "match": {"catalogue": "theirs", "radius": "30 arcsec"}},
            "ours": {**overview, "catalogue": "ours"},
            "theirs": {**overview, "catalogue": "theirs"},
        },
        catalogues={
            name: {"file": f"{name}.h5", "columns": POSITIONS} for name in ("ours", "theirs")
        },
    )
    return project


def write(path, ra, dec):
    with h5py.File(path, "w") as file:
        file["ra"], file["dec"] = ra, dec


def built(project, *arguments):
    done = call(project.config, *arguments, cwd=project.folder)
    sections = read_summary(project.folder / "out" / "latest")["sections"]
    return done, {section["id"]: section for section in sections}


def test_a_changed_reference_makes_what_is_matched_with_it_anew(project):
    checked = call("check", project.config, cwd=project.folder)
    assert checked.returncode == 0, checked.stderr
    done, first = built(project)
    assert done.returncode == 0, done.stderr
    assert first["positions"]["metrics"]["offset_ra"]["value"] == pytest.approx(1.0, abs=1e-3)
    _, again = built(project)
    assert all(section["kept"] for section in again.values())
    write(project.folder / "theirs.h5", *positions(1, moved=0.5))
    plan = call("plan", project.config, cwd=project.folder)
    assert plan.stdout.count("theirs") >= 2, plan.stdout
    _, changed = built(project)
    kept = {name for name, section in changed.items() if section["kept"]}
    assert kept == {"ours"}
    assert changed["positions"]["metrics"]["offset_ra"]["value"] == pytest.approx(0.5, abs=1e-3)


def test_a_reference_that_cannot_be_read_takes_down_only_what_needs_it(project):
    (project.folder / "theirs.h5").write_bytes(b"no table")
    done, sections = built(project)
    assert done.returncode == 5
    assert {name for name, each in sections.items() if each["status"] == "error"} == {
        "positions",
        "wide",
        "theirs",
    }
    assert done.stderr.count("theirs.h5") == 1


def test_limits_that_surveys_share_are_checks_that_are_seen(project):
    text = project.config.read_text().replace("title: Stars", "title: Stars\n  shared_limits: {}")
    project.config.write_text(text.format("askap-continuum"))
    plan = call("plan", project.config, cwd=project.folder).stdout
    source = "limits of ASKAP's continuum validation, 2019"
    said = f"positions is checked by askap-continuum ({source}), too: offset at most 2″"
    assert said in plan
    assert "ours is checked" not in plan
    _, sections = built(project)
    (check,) = sections["positions"]["checks"]
    assert check["status"] == "ok"
    assert check["reason"] == source
    assert sections["ours"]["checks"] == []
    project.config.write_text(text.format("askap-continum"))
    refused = call("check", project.config, cwd=project.folder)
    assert (refused.returncode, "did you mean 'askap-continuum'" in refused.stderr) == (2, True)


def test_the_record_names_both_and_a_single_section_is_the_same(project):
    _, together = built(project)
    assert together["positions"]["source"] == "ours, theirs"
    call(
        project.config, "--only", "positions", "--no-cache", "--output", "alone", cwd=project.folder
    )
    names = {"metrics", "findings", "figures", "tables"}
    (run,) = (project.folder / "alone").glob("2*")
    (alone,) = read_summary(run)["sections"]
    assert all(alone[name] == together["positions"][name] for name in names)


def real_catalogues(shared):
    """Return catalogues of real files; those of ATLAS also hold the positions of SWIRE."""
    atlas = f"{shared}/cdfs_real/atlas_swire_cdfs.fits"
    degrees = {"unit": "deg"}
    ours = {"RA_deg_ATLAS": degrees, "Dec_deg_ATLAS": degrees, "Obs_freq": {"unit": "GHz"}}
    theirs = {"ra_SWIRE": degrees, "dec_SWIRE": degrees}
    racs = {"ra": degrees, "dec": degrees, "int_flux": {"unit": "Jy"}}
    return {
        "atlas": {
            **{"file": atlas, "ra": "RA_deg_ATLAS", "dec": "Dec_deg_ATLAS"},
            "columns": ours | theirs,
        },
        "swire": {"file": atlas, "ra": "ra_SWIRE", "dec": "dec_SWIRE", "columns": theirs},
        "racs": {
            "file": f"{shared}/survey/flint_SB38959_RACS_1357-18_comp.fits",
            "columns": racs,
        },
        "at20g": {"file": f"{shared}/survey/AT20G.fits"},
        "atpmn": {"file": f"{shared}/survey/ATPMN.fits"},
        "bins": {"file": "bins.csv"},
        "small": {"file": f"{shared}/survey/lsdb_xmatch/small_sky.csv"},
        "moved": {"file": f"{shared}/survey/lsdb_xmatch/small_sky_xmatch.csv"},
    }


def section(analysis, catalogue, **keys):
    return {"analysis": analysis, "catalogue": catalogue, "title": catalogue, **keys}


def within(catalogue, radius, **keys):
    return {"match": {"catalogue": catalogue, "radius": f"{radius} arcsec", **keys}}


BOTH = {"flux": "S20", "frequency": "19.904 GHz"}
REAL = {
    "near": section("astrometry", "atlas", **within("swire", 2)),
    "atlas": section("astrometry", "atlas", **within("swire", 5)),
    "far": section("astrometry", "atlas", **within("swire", 10)),
    "matched": section(
        "astrometry",
        "atlas",
        matched={"ra": "ra_SWIRE", "dec": "dec_SWIRE"},
        errors=["RA_err_ATLAS", "Dec_err_ATLAS"],
    ),
    "nearest": section("astrometry", "small", **within("moved", 36, rule="nearest")),
    "mutual": section("astrometry", "small", **within("moved", 36)),
    "racs": section("astrometry", "racs", **within("at20g", 10)),
    "nothing": section("astrometry", "racs", **within("atpmn", 10)),
    "scale": section("flux_scale", "atlas", flux="S2", matched={"flux": "S"}),
    "scaled": section(
        *("flux_scale", "atlas"),
        **{"flux": "S", "frequency": "Obs_freq", "spectral_index": -0.7},
        matched={"flux": "S2", "frequency": "1.4 GHz"},
    ),
    "apertures": section("flux_scale", "atlas", flux="flux_kr_36", matched={"flux": "flux_ap2_36"}),
    "redshifts": section(
        "reference_distribution",
        "atlas",
        column="z",
        reference={"catalogue": "bins", "low": "low", "high": "high", "mean": "mean"},
    ),
    "index": section(
        "flux_scale", "racs", flux="int_flux", frequency="887.5 MHz", **within("at20g", 10, **BOTH)
    ),
}
ORACLES = {
    "near": {"matched": 604},
    "atlas": {
        **{"matched": 767, "offset_ra": 0.0923, "offset_dec": 0.1620},
        **{"scatter_ra": 0.5379, "scatter_dec": 1.1902},
    },
    "far": {"matched": 807},
    "matched": {
        **{"matched": 816, "offset_ra": 0.0760, "offset_dec": 0.1854},
        **{"scatter_ra": 0.5876, "scatter_dec": 1.3023, "pull_ra": 1.0222, "pull_dec": 1.0779},
    },
    "racs": {
        **{"matched": 22, "offset_ra": -1.3452, "offset_dec": 0.6214},
        **{"scatter_ra": 0.8353, "scatter_dec": 0.8530},
    },
    "nothing": {"matched": 0},
    "scale": {"ratio": 1.03878},
    "scaled": {"ratio": 1.0},
    "apertures": {"ratio": 1.1669},
    "nearest": {"matched": 103},
    "mutual": {"matched": 101},
    "redshifts": {"n": 816},
    "index": {"pairs": 22, "spectral_index_median": -0.0598, "spectral_index_scatter": 0.2327},
}


def test_real_catalogues_give_the_numbers_that_astropy_and_numpy_give(tmp_path):
    if not SHARED.exists():
        pytest.skip("there is no ../shared/data beside the repository")
    project = Project(tmp_path)
    edges = [f"{low / 4},{low / 4 + 0.25},1\n" for low in range(13)]
    (tmp_path / "bins.csv").write_text("".join(["low,high,mean\n", *edges]), encoding="utf-8")
    project.configure(REAL, catalogues=real_catalogues(SHARED))
    done = call(project.config, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for made in read_summary(tmp_path / "out" / "latest")["sections"]:
        for name, expected in ORACLES[made["id"]].items():
            found = made["metrics"][name]["value"]
            assert found == pytest.approx(expected, abs=6e-5), (made["id"], name)
    rows = Table.read(
        tmp_path / "out/latest/sections/redshifts/tables/bins.ecsv", format="ascii.ecsv"
    )
    assert rows["n"].tolist() == [300, 255, 159, 52, 18, 5, 10, 5, 5, 2, 2, 1, 2]
