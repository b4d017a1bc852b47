import sys
from dataclasses import dataclass
from importlib import import_module, invalidate_caches
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ConfigDict

import reportgen
from reportgen import kept as module
from reportgen import plugin_code
from reportgen.analyses.base import Analysis
from reportgen.analyses.distribution import Distribution
from reportgen.analyses.overview import Overview
from reportgen.config.columns import Column
from reportgen.kept import (
    Caching,
    Kept,
    keep_names,
    kept_section,
    read_names,
    recipe,
    recipe_key,
    section_key,
)
from reportgen.plugin_code import code_of_packages
from reportgen.store import Store
from reportgen.summary import MetricRecord, SectionRecord

KEY = "0" * 64
FLUX = Column("flux", "Flux density", "uJy")
COLUMNS = {"flux": FLUX, "fainter": Column("fainter", "Fainter", "uJy", 1)}


def distribution(known=COLUMNS, **keys):
    told = {"analysis": "distribution", "title": "Fluxes", "catalogue": "stars"}
    told |= {"columns": ["flux"], "histograms": [{"bins": 5}], **keys}
    return Distribution.model_validate(told, context={"columns": known})


def key(section, section_id="fluxes", memory=1000):
    return recipe_key(recipe(section_id, section, memory))


@pytest.mark.parametrize(
    "keys",
    [
        {"timeout": 5},
        {"memory_limit": "1 GB"},
        {"budgets": {"seconds": 1}},
        {"checks": [{"metric": "flux_median", "max": 3}]},
        {"checks": [{"rows_at_least": 3}]},
    ],
)
def test_limits_on_a_section_leave_it_as_it_is(keys):
    assert key(distribution(**keys)) == key(distribution())


@pytest.mark.parametrize(
    "keys",
    [
        {"title": "Flux densities"},
        {"text": "So it is."},
        {"where": "flux > 0"},
        {"where": "flux > 0.0000000000000001"},
        {"columns": ["fainter"]},
        {"columns": ["flux", "fainter"]},
        {"histograms": [{"bins": 6}]},
        {"catalogue": "galaxies"},
        {"checks": [{"missing_at_most": {"column": "flux", "percent": 10}}]},
    ],
)
def test_what_a_section_shows_or_counts_makes_it_another(keys):
    assert key(distribution(**keys)) != key(distribution())


def test_a_limit_on_missing_values_leaves_it_as_it_is_once_they_are_counted():
    def checked(percent):
        return distribution(checks=[{"missing_at_most": {"column": "flux", "percent": percent}}])

    assert key(checked(1)) == key(checked(2))


@pytest.mark.parametrize(
    "column",
    [Column("flux", "Flux", "uJy"), Column("flux", "Flux density", "mJy"), Column("flux", order=1)],
    ids=["label", "unit", "place among columns of its unit"],
)
def test_what_a_column_is_called_makes_a_section_another(column):
    assert key(distribution({"flux": column})) != key(distribution())


def test_memory_of_the_catalogue_and_the_id_make_a_section_another():
    section = distribution()
    assert len({key(section), key(section, memory=999), key(section, "other")}) == 3


def test_a_new_version_of_what_takes_part_makes_a_section_another(monkeypatch):
    before = key(distribution())
    versions = dict(module._versions())
    monkeypatch.setattr(module, "_versions", lambda: versions | {"matplotlib": "99"})
    assert key(distribution()) != before


@pytest.mark.parametrize("package", ["matplotlib", "numpy", "pypdfium2", "uharfbuzz", "h5py"])
def test_versions_of_what_makes_figures_and_numbers_are_known(package):
    assert module._versions()[package]


def test_there_is_every_room_that_is_said_to_take_part():
    here = Path(reportgen.__file__).parent
    assert [room for room in module._ROOMS if not (here / room).exists()] == []


# What those that make sections import, and why a change in it leaves sections as they are.
ASIDE = {
    "checks": "judges sections that are there",
    "describing": "whether models know what their keys are for",
    "failures": "what is said of sections in error, which are not kept",
    "later": "when modules are imported, which are the same",
    "lock": "who may write to the output folder",
    "metering": "what a section took, which is measured anew",
    "publish": "where a section is written",
    "store": "where it is kept, in a format of its own",
    "plugin_code": "gives a part of the recipe by itself",
    "render": "makes pages of sections that are there",
    "timeline": "where the time goes",
    "versions": "gives a part of the recipe by itself",
    "worker": "the process",
}


def test_all_of_our_code_that_makes_sections_takes_part():
    grimp = pytest.importorskip("grimp")
    graph = grimp.build_graph("reportgen")
    makers = ("work", "features", "analyses.base", "analyses.overview", "render.saving")
    found = set()
    for maker in makers:
        found |= graph.find_upstream_modules(f"reportgen.{maker}") | {f"reportgen.{maker}"}
    names = {name.removeprefix("reportgen.").replace(".", "/") for name in found} - {"reportgen"}
    rooms = {room.removesuffix(".py") for room in module._ROOMS}
    left = {name for name in names if not rooms & {name, name.partition("/")[0]}}
    assert {name.partition("/")[0] for name in left} <= ASIDE.keys()


class Shy:
    """Does not show what is in it."""


class Odd(Analysis, name="odd"):
    model_config = ConfigDict(arbitrary_types_allowed=True)

    given: Any = None


class Moody(Overview, name="moody"):
    is_repeatable = False


def odd(given):
    return Odd(analysis="odd", title="Odd", catalogue="stars", given=given)


def test_a_parameter_that_does_not_show_what_is_in_it_keeps_a_section_from_being_kept():
    with pytest.raises(ValueError, match="does not show what is in it"):
        recipe("odd", odd([Shy()]))


def test_an_analysis_that_is_not_repeatable_has_no_recipe():
    moody = Moody(analysis="moody", title="Moody", catalogue="stars", columns=(FLUX,))
    with pytest.raises(ValueError, match="gives another section each time"):
        recipe("moody", moody)


def test_large_and_precise_arrays_are_told_apart():
    one, other, precise = np.zeros(5000), np.zeros(5000), np.zeros(5000)
    other[2500], precise[2500] = 1, 1 + 1e-12
    assert len({key(odd(each)) for each in (one, other, precise)}) == 3


@dataclass
class Site:
    """A folder in which Python finds modules."""

    folder: Path

    def write(self, **texts):
        for name, text in texts.items():
            path = self.folder / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        invalidate_caches()

    def code(self, name):
        code_of_packages.cache_clear()
        return code_of_packages((name,))


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    yield Site(tmp_path)
    code_of_packages.cache_clear()


def test_the_code_of_a_module_tells(site):
    site.write(m_one="a = 1", m_other="a = 1")
    before = site.code("m_one")
    site.write(m_other="a = 2")
    assert site.code("m_one") == before
    site.write(m_one="a = 2")
    assert site.code("m_one") != before


@pytest.mark.parametrize(
    "first", ["p_own__p_init", "p_own____init__"], ids=["namespace", "package"]
)
def test_any_file_of_a_package_tells(site, first):
    site.write(**{first.replace("____init__", "__\x5f_init__"): "", "p_own__deep__m": "a = 1"})
    before = site.code("p_own")
    (site.folder / "p_own" / "limits.csv").write_text("1,2")
    with_data = site.code("p_own")
    assert with_data != before
    site.write(p_own__deep__m="a = 2")
    assert site.code("p_own") != with_data


def test_what_a_plugin_imports_tells_and_what_that_imports(site):
    site.write(m_one="def f():\n    from m_two.a import b", m_two__a="import m_three", m_three="")
    before = site.code("m_one")
    assert before.keys() == {"m_one", "m_two", "m_three"}
    site.write(m_three="a = 2")
    assert site.code("m_one") != before


def test_what_is_installed_is_known_by_its_version(site, monkeypatch):
    site.write(m_one="import numpy, json, reportgen.results, m_not_there\nfrom . import x")
    found = site.code("m_one")
    assert found.keys() == {"m_one", "numpy", "m_not_there"}
    assert found["numpy"] == np.__version__
    monkeypatch.setattr(plugin_code, "installed_version", lambda _: "99")
    assert site.code("m_one") != found


def test_modules_that_import_each_other_and_broken_ones_are_no_trouble(site):
    site.write(m_one="import m_two, m_broken", m_two="import m_one", m_broken="def")
    assert site.code("m_one").keys() == {"m_one", "m_two", "m_broken"}


def test_the_class_of_another_package_that_a_plugin_derives_from_tells(site):
    base = "from reportgen.analyses.overview import Overview\nclass Base(Overview): {}"
    site.write(m_base=base.format("pass"))
    plugin = type("Derived", (import_module("m_base").Base,), {"__module__": "m_derived"})
    site.write(m_derived="")
    del sys.modules["m_base"]
    section = plugin(analysis="x", title="X", catalogue="stars", columns=(FLUX,))
    before = key(section)
    site.write(m_base=base.format("low = 2"))
    code_of_packages.cache_clear()
    assert key(section) != before


def test_our_own_code_tells(monkeypatch):
    before = key(distribution())
    monkeypatch.setattr(module, "_own_code", lambda: "other")
    assert key(distribution()) != before


RECORD = SectionRecord(
    id="fluxes",
    analysis="distribution",
    title="Fluxes",
    status="ok",
    notes=("Warning: it drizzles",),
    metrics={
        "b": MetricRecord(label="b", value=0.1 + 0.2),
        "a": MetricRecord(label="a", value=-0.0),
    },
)
FILES = {"sections/fluxes/a.svg": b"<svg/>\n", "sections/fluxes/b.csv": b"", "z": b"\x00\n\xff"}


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "cache")


def test_a_section_is_read_as_it_was_written(store):
    assert kept_section(store, KEY) is None
    store.put(KEY, Kept(RECORD, FILES).written())
    found = kept_section(store, KEY)
    assert found == Kept(RECORD, FILES)
    assert list(found.files) == list(FILES)
    assert found.record.model_dump_json() == RECORD.model_dump_json()


WRITTEN = Kept(RECORD, FILES).written()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"7",
        b"\xff",
        WRITTEN[:-1],
        WRITTEN + b"x",
        WRITTEN.replace(b'"id": "fluxes", ', b""),
        WRITTEN.replace(b'"z": 3', b'"z": "?"'),
        WRITTEN.replace(b'"z": 3', b'"z": -3'),
        WRITTEN.replace(b'"z": 3', b'"../z": 3'),
        WRITTEN.replace(b'"z": 3', b'"/z": 3'),
    ],
)
def test_what_is_no_section_of_ours_is_not_there(content, store):
    store.put(KEY, content)
    assert kept_section(store, KEY) is None


def test_names_of_what_a_section_reads_are_kept(store):
    assert read_names(store, KEY) is None
    keep_names(store, KEY, ("rows", "column flux"))
    assert set(read_names(store, KEY)) == {"rows", "column flux"}


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'"rows"', b"\xff"])
def test_names_that_are_none_are_not_known(store, content):
    store.put(KEY, content)
    assert read_names(store, KEY) is None


def test_a_section_is_there_only_for_what_it_read(store):
    caching = Caching(store, {"fluxes": KEY, "odd": ""})
    digests = {"rows": "3", "column flux": "abc"}
    store.put(section_key(KEY, digests), WRITTEN)
    assert caching.has("fluxes", dict(reversed(digests.items())))
    assert not caching.has("fluxes", digests | {"rows": "4"})
    assert not caching.has("fluxes", {})


@pytest.mark.parametrize(("section_id", "digests"), [("fluxes", {}), ("odd", {"rows": "3"})])
def test_a_section_of_which_something_is_not_known_is_never_there(store, section_id, digests):
    caching = Caching(store, {"fluxes": KEY, "odd": ""})
    store.put(section_key(caching.recipes[section_id], digests), WRITTEN)
    assert not caching.has(section_id, digests)
