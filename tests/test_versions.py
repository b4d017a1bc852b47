from importlib.metadata import version

import pytest

from reportgen.versions import installed_version


@pytest.mark.parametrize("package", ["reportgen", "numpy", "Jinja2", "ai-edge-litert"])
def test_the_version_of_a_package_is_what_the_package_says(package):
    pytest.importorskip("ai_edge_litert")
    assert installed_version(package) == version(package)


def test_what_is_not_installed_has_no_version():
    assert installed_version("no-package-of-this-name") is None


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("METADATA", "Metadata-Version: 2.1\nName: odd\nversion:  1.5 \n\nVersion: 9 of a README"),
        ("PKG-INFO", "Metadata-Version: 2.1\nName: odd\nVersion: 1.5\n"),
    ],
)
def test_the_version_is_read_from_the_head_of_what_a_package_says(
    tmp_path, monkeypatch, name, said
):
    folder = tmp_path / ("odd-1.5.dist-info" if name == "METADATA" else "odd.egg-info")
    folder.mkdir()
    (folder / name).write_text(said)
    monkeypatch.syspath_prepend(tmp_path)
    assert installed_version("odd") == "1.5"
