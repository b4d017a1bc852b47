import pytest

from reportgen.build.prose import fill_prose
from reportgen.errors import SectionError
from reportgen.record import MetricRecord

METRICS = {
    "n": MetricRecord(label="objects", value=30853, digits=0),
    "r": MetricRecord(label="correlation", value=0.123456),
    "none": MetricRecord(label="nothing", value=None),
}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("Nothing to fill in.", "Nothing to fill in."),
        ("{{ metrics.n }} objects", "30,853 objects"),
        ("r is {{ metrics['r'] }}", "r is 0.1235"),
        ("twice {{ metrics.r * 2 }}", "twice 0.246912"),
        ("{{ '%.1f' | format(metrics.r) }}", "0.1"),
        ("{% if metrics.n > 1000 %}many{% else %}few{% endif %}", "many"),
        ("missing: {{ metrics.none }}", "missing: —"),
        ("<b>{{ metrics.n }}</b>", "<b>30,853</b>"),
    ],
)
def test_prose_is_filled_with_metrics_as_the_report_shows_them(text, filled):
    assert fill_prose(text, METRICS) == filled


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{ metrics.m }}", "in: unknown metric 'm'.* \\(known: n, none, r\\)"),
        ("{{ other }}", "text: cannot be filled in: unknown name 'other'"),
        ("{{ metrics.n", "text: cannot be filled in: .*unexpected end of template"),
        ("{{ 1 / 0 }}", "text: cannot be filled in: ZeroDivisionError"),
        ("{{ metrics.n.__class__.__mro__ }}", "text: cannot be filled in: .*__class__.* is unsafe"),
        ("{{ ''.__class__.__base__.__subclasses__() }}", "can have no call"),
        ("{% for i in range(10**9) %}x{% endfor %}", "can have no call"),
        ("{{ 'x'.missing() }}", "text: cannot be filled in"),
        ("{% include '/etc/passwd' %}", "text: cannot be filled in"),
    ],
)
def test_prose_that_cannot_be_filled_in_says_why(text, said):
    with pytest.raises(SectionError, match=said):
        fill_prose(text, METRICS)
