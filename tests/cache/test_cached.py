from typing import Any

import numpy as np
import pytest
from pydantic import ConfigDict

from reportgen.analyses.base import Analysis
from reportgen.analyses.distribution import Distribution
from reportgen.analyses.overview import Overview
from reportgen.cache import sections as module
from reportgen.cache.sections import Cache, CachedSection, what_decides
from reportgen.config.columns import Column
from reportgen.data.file_digests import digest_of
from reportgen.data.store import Store
from reportgen.record import MetricRecord, SectionRecord
from reportgen.versions import required_versions

FLUX = Column("flux", "Flux density", "uJy")
COLUMNS = {"flux": FLUX, "fainter": Column("fainter", "Fainter", "uJy", 1)}


def distribution(known=COLUMNS, **keys):
    told = {"analysis": "distribution", "title": "Fluxes", "catalogue": "stars"}
    told |= {"columns": ["flux"], "histograms": [{"bins": 5}], **keys}
    return Distribution.model_validate(told, context={"columns": known})


def key(section, exact_rows=1000):
    return digest_of(what_decides(section, exact_rows))


@pytest.mark.parametrize(
    "keys",
    [
        {"timeout": 5, "memory_limit": "1 GB", "budgets": {"seconds": 1}},
        {"checks": [{"rows_at_least": 3}]},
    ],
)
def test_limits_on_a_section_leave_it_as_it_is(keys):
    assert key(distribution(**keys)) == key(distribution())


@pytest.mark.parametrize(
    "keys",
    [
        {"title": "Flux densities"},
        {"checks": [{"metric": "flux_median", "max": 3}]},  # which the figure shows
        {"where": "flux > 0"},
        {"columns": ["flux", "fainter"]},
        {"histograms": [{"bins": 6}]},
        {"catalogue": "galaxies"},
        {"checks": [{"missing_at_most": {"column": "flux", "percent": 10}}]},
    ],
)
def test_what_a_section_shows_or_counts_makes_it_another(keys):
    assert key(distribution(**keys)) != key(distribution())


def test_what_a_column_is_called_and_exact_rows_make_a_section_another():
    for column in (Column("flux", "Flux", "uJy"), Column("flux", "Flux density", "mJy")):
        assert key(distribution({"flux": column})) != key(distribution())
    assert key(distribution()) != key(distribution(), exact_rows=999)


def test_a_new_version_of_what_reportgen_requires_makes_a_section_another(monkeypatch):
    before = key(distribution())
    newer = required_versions("reportgen") | {"matplotlib": "99"}
    monkeypatch.setattr(module, "_versions", lambda *_: newer)
    assert key(distribution()) != before


class Shy:
    """Does not show what is in it."""


class Odd(Analysis, name="odd"):
    model_config = ConfigDict(arbitrary_types_allowed=True)

    given: Any = None


class Moody(Overview, name="moody"):
    is_repeatable = False


def odd(given):
    return Odd(analysis="odd", title="Odd", catalogue="stars", given=given)


def test_a_section_with_a_parameter_that_does_not_show_what_is_in_it_is_not_cached():
    with pytest.raises(ValueError, match="does not show what is in it"):
        what_decides(odd([Shy()]), 1000)


def test_an_analysis_that_is_not_repeatable_is_not_cached():
    moody = Moody(analysis="moody", title="Moody", catalogue="stars", columns=(FLUX,))
    with pytest.raises(ValueError, match="gives another section each time"):
        what_decides(moody, 1000)


def test_large_and_precise_arrays_are_told_apart():
    one, other, precise = np.zeros(5000), np.zeros(5000), np.zeros(5000)
    other[2500], precise[2500] = 1, 1 + 1e-12
    assert len({key(odd(each)) for each in (one, other, precise)}) == 3


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


DIGESTS = {"rows": "3", "column flux": "abc"}


@pytest.fixture
def cache(tmp_path):
    made_of = {"fluxes": {"code": "1"}, "sizes": {"code": "1"}}
    return Cache(Store(tmp_path / "cache"), "stars", made_of)


WRITTEN = CachedSection(record=RECORD, files=FILES).model_dump_json().encode()


@pytest.mark.parametrize(
    "content",
    [
        b"\xff",
        WRITTEN[:-1],
        WRITTEN.replace(b'"id":"fluxes",', b""),
        WRITTEN.replace(b'"z":', b'"../z":'),
    ],
)
def test_what_is_no_section_of_ours_is_not_there(cache, monkeypatch, content):
    assert content != WRITTEN
    cache.put("fluxes", DIGESTS, CachedSection(record=RECORD, files=FILES))
    monkeypatch.setattr(Store, "get", lambda *_: content)
    assert cache.get("fluxes", DIGESTS) is None
