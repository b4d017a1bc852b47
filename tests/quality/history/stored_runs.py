"""Runs to be stored, made by hand."""

from datetime import UTC, datetime, timedelta

from made_records import metric, run, section, source

FIRST = datetime(2026, 11, 1, 2, 0, 0, tzinfo=UTC)


def night(number=0, *sections, hours=0, name=None, started=None, **more):
    """Give the record of a run. number: nights after FIRST; sections: one with a median if none."""
    begun = FIRST + timedelta(days=number, hours=hours)
    return run(
        *(sections or (section(median=metric(200.0 + number)),)),
        number=name or f"{begun:%Y%m%dT%H%M%SZ}",
        started=started or f"{begun:%Y-%m-%dT%H:%M:%SZ}",
        **more,
    )


def add(history, folder, *summaries):
    return [history.add(summary, folder / summary.run.id) for summary in summaries]


INPUTS = (source(a=30, b=40), source("/data/gone.h5", None, None, "No such file"))
