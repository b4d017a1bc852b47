from importlib import invalidate_caches
from importlib.metadata import Distribution, version

import pytest

from reportgen.versions import installed_version, plugin_digest, required_versions


def test_the_version_of_a_package_is_what_the_package_says():
    assert installed_version("Jinja2") == version("jinja2")
    assert installed_version("no-package-of-this-name") is None


@pytest.mark.parametrize("package", ["reportgen", "matplotlib", "contourpy", "pydantic-core"])
def test_versions_of_what_is_required_and_of_what_that_requires_are_known(package):
    assert required_versions("reportgen")[package] == version(package)


def test_extras_count_for_a_package_itself_as_far_as_they_are_installed(tmp_path, monkeypatch):
    requires = "click; extra == 'cnn'", "no-package-of-this-name; extra == 'gpu'", "Odd_Base>=1"
    write_distribution(tmp_path, "odd", *requires)
    write_distribution(tmp_path, "odd-base", "odd", "numpy; extra == 'all'")
    monkeypatch.syspath_prepend(tmp_path)
    found = required_versions("odd")
    assert found == {"click": version("click"), "odd": "1.5", "odd-base": "1.5"}
    required_versions.cache_clear()


def write_distribution(folder, name, *requires, record=""):
    """Write what an installed distribution says of itself."""
    information = folder / f"{name.replace('-', '_')}-1.5.dist-info"
    information.mkdir()
    said = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.5"]
    said += [f"Requires-Dist: {each}" for each in requires]
    (information / "METADATA").write_text("\n".join(said))
    (information / "RECORD").write_text(record)
    return Distribution.at(information)


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder in which Python finds modules."""
    monkeypatch.syspath_prepend(tmp_path)
    invalidate_caches()
    (tmp_path / "p_own" / "deep").mkdir(parents=True)
    for name in ("m_one.py", "m_helper.py", "p_own/deep/m.py"):
        (tmp_path / name).write_text("a = 1")
    return tmp_path


def digest(name, installed=None):
    invalidate_caches()
    return plugin_digest.__wrapped__(name, installed)


@pytest.mark.parametrize("changed", ["m_one.py", "m_helper.py"])
def test_a_module_and_those_beside_it_count(site, changed):
    before = digest("m_one")
    (site / "p_own" / "deep" / "m.py").write_text("a = 2")
    assert digest("m_one") == before
    (site / changed).write_text("a = 2")
    assert digest("m_one") != before


@pytest.mark.parametrize("changed", ["p_own/__init__.py", "p_own/deep/m.py", "p_own/limits.csv"])
def test_every_file_of_a_package_counts_but_what_python_compiled(site, changed):
    before = digest("p_own")
    (site / "p_own" / "__pycache__").mkdir()
    (site / "p_own" / "__pycache__" / "x.nbi").write_bytes(b"1")
    assert digest("p_own") == before
    (site / changed).write_text("a = 2")
    assert digest("p_own") != before


def test_of_an_installed_module_the_files_of_its_distribution_count(site, monkeypatch):
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(site))
    installed = write_distribution(site, "odd", record="m_one.py,,\np_own/deep/m.py,,\n")
    before = digest("m_one", installed)
    (site / "m_helper.py").write_text("a = 2")
    assert digest("m_one", installed) == before
    (site / "p_own" / "deep" / "m.py").write_text("a = 2")
    assert digest("m_one", installed) != before
