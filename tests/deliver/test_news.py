import pytest
from made_nights import record, started

from reportgen.deliver.news import NOTABLE, has_changed, is_worth_telling
from reportgen.quality.diff.sentences import _ORDER
from reportgen.summary import ChangeRecord, DocumentRecord, ErrorRecord, HistoryRecord, SinceRecord


def summary(*kinds, status="ok", **updates):
    since = SinceRecord(
        run="20260831T020000Z", changes=tuple(ChangeRecord(text="x", kind=kind) for kind in kinds)
    )
    plain = record("20260901T020000Z", started(0), status)
    return plain.model_copy(update={"since": (since,), **updates})


def test_what_is_news_is_known_to_those_who_compare():
    assert set(_ORDER) >= NOTABLE


@pytest.mark.parametrize("kind", sorted(NOTABLE))
def test_news_are_told(kind):
    assert has_changed(summary("input grown", kind))


@pytest.mark.parametrize(
    "kind", ["input grown", "input changed", "verdict still", "metric within", "versions"]
)
def test_what_happens_every_night_is_no_news(kind):
    assert not has_changed(summary(kind))


def test_a_first_run_is_news():
    assert has_changed(summary(since=()))


def test_a_run_that_is_only_compared_with_a_reference_is_a_first_one():
    assert has_changed(summary(since=(SinceRecord(name="paper", run="x"),)))


def test_a_night_that_cannot_be_compared_is_news():
    assert has_changed(summary(since=(SinceRecord(error="its summary.json is damaged"),)))


def test_a_missing_document_is_news():
    error = ErrorRecord(kind="error", message="no Pango")
    assert has_changed(summary(documents={"pdf": DocumentRecord(error=error)}))


@pytest.mark.parametrize(("when", "told"), [("always", True), ("change", False), ("warn", False)])
def test_a_quiet_night_is_told_only_where_it_is_wanted(when, told):
    assert is_worth_telling(summary(), when) is told


@pytest.mark.parametrize("status", ["warn", "fail", "error"])
def test_what_is_not_ok_is_told_to_those_who_want_warnings(status):
    bad = summary()
    bad = bad.model_copy(update={"run": bad.run.model_copy(update={"status": status})})
    assert is_worth_telling(bad, "warn")


@pytest.mark.parametrize(
    "update", [{"mistakes": ("checks[0]: no metric",)}, {"history": HistoryRecord(error="locked")}]
)
def test_mistakes_and_a_history_that_fails_count_as_warnings(update):
    assert is_worth_telling(summary(**update), "warn")
