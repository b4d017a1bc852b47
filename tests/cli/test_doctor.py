import shutil

import pytest

from reportgen.cli import doctor
from reportgen.cli.doctor import examine
from reportgen.style import FONT_FILES, font_path

EXTRAS = {
    "pyarrow": "parquet",
    "botocore": "remote",
    "Dask": "dask",
    "TensorFlow": "cnn",
    "LiteRT": "cnn",
}


def found(what):
    return next(finding for finding in examine() if finding.what == what)


def test_everything_that_is_needed_is_here():
    findings = examine()
    needed = ["PDF", "fonts", "templates", "analyses"]
    assert [f.what for f in findings] == [*needed, *EXTRAS]
    assert all(finding.fine for finding in findings if finding.needed)
    assert all(not finding.remedy for finding in findings if finding.fine)


@pytest.mark.parametrize("what", EXTRAS)
def test_what_is_optional_says_how_to_get_it(what, monkeypatch):
    assert found(what).fine
    monkeypatch.setattr(doctor, "find_spec", lambda _: None)
    missing = found(what)
    assert not missing.fine
    assert not missing.needed
    assert "not installed" in missing.said
    assert missing.remedy == f"pip install 'reportgen[{EXTRAS[what]}]'"


def test_a_font_that_is_missing_is_named(tmp_path, monkeypatch):
    names = list(FONT_FILES.values())
    for name in names[1:]:
        shutil.copy(font_path(name), tmp_path)
    monkeypatch.setattr("reportgen.style.font_path", lambda name: tmp_path / name)
    fonts = found("fonts")
    assert not fonts.fine
    assert fonts.said == f"not in the package: {names[0]}"
