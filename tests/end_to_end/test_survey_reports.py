"""The complete reports of configs/: of the sample they find what was put into it."""

import re

import pytest
import yaml
from projects import ROOT, call, read_summary

SURVEY = ROOT / "../shared/data/survey"
ATLAS = ROOT / "../shared/data/cdfs_real/atlas_swire_cdfs.fits"
# What the sample is made with, and by how much what 2000 rows of it give may differ.
FOUND = {
    "radio": {
        "positions.offset_ra": (0.25, 0.15),
        "positions.offset_dec": (-0.15, 0.15),
        "flux_scale.ratio": (1.04, 0.1),
        "noise.beam_major": (15, 0.01),
        "hosts.matched_percent": (93, 7),
    },
    "optical": {
        "positions.offset_ra": (0.12, 0.03),
        "positions.offset_dec": (-0.08, 0.03),
        "magnitudes.difference": (15, 15),
        "depth.depth_50": (19.9, 0.3),
        "zero_points.zero_point_median": (21.5, 0.01),
        "seeing.seeing_median": (1.7, 0.1),
        "repeatability.repeatability": (4.5, 2),
    },
    "spectra": {"rules.success_broken_percent": (6, 4), "n_z.groups": (4, 0)},
    "classifier": {"quality.auc": (0.998, 0.01), "quality.calibration_error": (0, 0.03)},
}


@pytest.fixture(scope="module", params=FOUND)
def report(request, survey, tmp_path_factory):
    """Return the name of a configuration and the record of its report on the small survey."""
    config, folder = ROOT / f"configs/{request.param}.yaml", tmp_path_factory.mktemp("built")
    files = re.findall(r"\$\{(\w+):-\.\./data/cdfs/([\w.]+)\}", config.read_text(encoding="utf-8"))
    env = {name: str(survey / file) for name, file in files}
    done = call(config, "--output", folder, "--set", "output.formats=[html]", env=env)
    assert done.returncode in (0, 1), done.stderr
    return request.param, read_summary(folder / "latest")


def test_a_report_of_the_sample_finds_what_was_put_into_it(report):
    name, summary = report
    metrics = {
        f"{section['id']}.{metric}": found["value"]
        for section in summary["sections"]
        for metric, found in section["metrics"].items()
    }
    assert not [each["id"] for each in summary["sections"] if each["status"] == "error"]
    for metric, (expected, within) in FOUND[name].items():
        assert metrics[metric] == pytest.approx(expected, abs=within), metric
    assert summary["run"]["synthetic"]


def test_each_check_says_why_and_somebody_answers_for_the_failures():
    for name in FOUND:
        sections = yaml.safe_load((ROOT / f"configs/{name}.yaml").read_text())["sections"]
        checks = [check for each in sections.values() for check in each.get("checks", ())]
        assert len(checks) >= 4
        assert all("reason" in check for check in checks)
        assert all("owner" in check or check.get("severity") == "warn" for check in checks)


@pytest.mark.skipif(not SURVEY.exists() or not ATLAS.exists(), reason="there is no ../shared/data")
@pytest.mark.parametrize(
    ("name", "env"),
    [
        (
            "radio",
            {
                "RADIO_CATALOGUE": SURVEY / "flint_SB38959_RACS_1357-18_comp.fits",
                "RADIO_REFERENCE": SURVEY / "AT20G.fits",
                "RADIO_REFERENCE_RA": "RA",
                "RADIO_REFERENCE_DEC": "DEC",
                "RADIO_REFERENCE_FLUX": "S20",
                "RADIO_REFERENCE_WHERE": "separation(RA, DEC, 209.5, -18.7) < 4 deg",
                "RADIO_RMS": SURVEY / "flint_SB39400_subimage_rms.fits",
                "HOSTS_CATALOGUE": ATLAS,
                "HOSTS_RA": "RA_deg_ATLAS",
                "HOSTS_DEC": "Dec_deg_ATLAS",
                "INFRARED_CATALOGUE": ATLAS,
                "INFRARED_RA": "ra_SWIRE",
                "INFRARED_DEC": "dec_SWIRE",
            },
        ),
        (
            "optical",
            {
                "OPTICAL_CATALOGUE": ATLAS,
                "OPTICAL_RA": "ra_SWIRE",
                "OPTICAL_DEC": "dec_SWIRE",
                "OPTICAL_MAG": "ap_m_r * 1 mag",
                "OPTICAL_COLOUR": "(ap_m_r - ap_m_i) * 1 mag",
                "OPTICAL_REFERENCE": ATLAS,
                "OPTICAL_REFERENCE_RA": "RA_phot",
                "OPTICAL_REFERENCE_DEC": "DEC_phot",
                "OPTICAL_REFERENCE_MAG": "MAG_APER_4_R * 1 mag",
                "OPTICAL_TRUTH": ATLAS,
                "OPTICAL_TRUTH_RA": "RA_phot",
                "OPTICAL_TRUTH_DEC": "DEC_phot",
                "OPTICAL_TRUTH_MAG": "MAG_APER_4_R * 1 mag",
                "OPTICAL_GROUP": "tile",
                "COLOURS_CATALOGUE": ATLAS,
            },
        ),
        ("spectra", {"NZ_REFERENCE": SURVEY / "desi_qa_reference_nz.ecsv"}),
        (
            "classifier",
            {
                "SCORES_CATALOGUE": ATLAS,
                "SCORES_LABEL": "class_ == 'E'",
                "SCORES_SCORE": "Sp / rms",
                "SCORES_THRESHOLD": "best",
                "SCORES_TRAINING": "Sp < 0",
                "SCORES_TRAINED": "Sp > 0",
                "SCORES_OBJECT": "cntr_SWIRE",
                "SCORES_AGAINST": "flux_ap2_36",
                "SCORES_GROUP": "tile",
                "SCORES_RA": "ra_SWIRE",
                "SCORES_DEC": "dec_SWIRE",
            },
        ),
    ],
)
def test_the_reports_can_be_made_of_real_files(name, env, survey):
    config = ROOT / f"configs/{name}.yaml"
    files = re.findall(r"\$\{(\w+):-\.\./data/cdfs/([\w.]+)\}", config.read_text(encoding="utf-8"))
    env = {each: str(survey / file) for each, file in files} | {k: str(v) for k, v in env.items()}
    done = call("check", config, env=env)
    assert done.returncode == 0, done.stderr
