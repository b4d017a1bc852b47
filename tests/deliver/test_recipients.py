from typing import get_args

import pytest
from made_nights import record, started

from reportgen.deliver.recipients import NEWS, is_worth_telling
from reportgen.quality.diff.records import InputKind, MetricKind, SectionKind, VerdictKind
from reportgen.record import ChangeRecord, DocumentRecord, ErrorRecord, HistoryRecord, SinceRecord

QUIET = ["input grown", "input changed", "verdict still", "metric within", "versions"]
BROKEN = {"pdf": DocumentRecord(error=ErrorRecord(kind="error", message="no Pango"))}


def summary(*kinds, status="ok", **updates):
    changes = tuple(ChangeRecord(text="x", kind=kind) for kind in kinds)
    since = SinceRecord(run="20260831T020000Z", changes=changes)
    plain = record("20260901T020000Z", started(0))
    run = plain.run.model_copy(update={"status": status})
    return plain.model_copy(update={"since": (since,), "run": run, **updates})


def test_what_is_news_is_known_to_those_who_compare():
    literals = {
        "input": InputKind,
        "metric": MetricKind,
        "section": SectionKind,
        "verdict": VerdictKind,
    }
    known = {f"{what} {kind}" for what, kinds in literals.items() for kind in get_args(kinds)}
    assert known | {"other report", "verdict new fail", "verdict new warn"} >= NEWS


@pytest.mark.parametrize(
    ("night", "is_told"),
    [
        *((summary("input grown", kind), True) for kind in sorted(NEWS)),
        *((summary(kind), False) for kind in QUIET),
        (summary(since=()), True),  # a first run
        (summary(since=(SinceRecord(name="paper", run="x"),)), True),  # also a first one
        (summary(since=(SinceRecord(error="its summary.json is damaged"),)), True),
        (summary(documents=BROKEN), True),
        (summary(status="fail"), False),  # as it was the night before
    ],
)
def test_of_changes_only_news_are_told(night, is_told):
    assert is_worth_telling(night, "change") is is_told


@pytest.mark.parametrize(
    ("night", "is_told"),
    [
        (summary(), False),
        (summary("verdict better"), False),
        *((summary(status=status), True) for status in ("warn", "fail", "error")),
        (summary(mistakes=("checks[0]: no metric",)), True),
        (summary(history=HistoryRecord(error="locked")), True),
    ],
)
def test_of_warnings_all_that_is_not_ok_is_told(night, is_told):
    assert is_worth_telling(night, "warn") is is_told
    assert is_worth_telling(night, "always")
