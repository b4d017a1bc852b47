import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_records import check, flux, metric, run, section, source

from reportgen.cli.tables import diff_text
from reportgen.quality.diff.compare import compare, usual_scatter
from reportgen.quality.diff.records import Changes
from reportgen.quality.diff.sentences import sentences
from reportgen.record import worst

KEY = ("flux", "median")


def kinds(changes):
    """Give the kinds of all that is listed."""
    return [c.kind for c in (*changes.metrics, *changes.verdicts, *changes.sections)]


def input_kinds(before, after):
    changes = compare(run(inputs=before), run(inputs=after))
    return {change.path: change.kind for change in changes.inputs}


def test_a_metric_moves_beyond_its_noise():
    changes = compare(flux(210.0), flux(248.0), {KEY: 9.0})
    (change,) = changes.metrics
    assert (change.section, change.title, change.metric) == ("flux", "Flux", "median")
    assert (change.kind, change.before, change.after, change.change) == ("moved", 210, 248, 38)
    assert change.relative == pytest.approx(38 / 210)
    assert change.times == pytest.approx(38 / 9)
    assert changes.moved
    within = compare(flux(210.0), flux(248.0), {KEY: 10.0})
    assert (kinds(within), within.moved) == (["within"], False)
    assert kinds(compare(flux(210.0), flux(210.1), {KEY: 0.0})) == ["moved"]


@pytest.mark.parametrize("noise", [{}, {KEY: None}, {KEY: math.nan}, {KEY: math.inf}, {KEY: -1.0}])
def test_without_history_a_metric_only_differs(noise):
    changes = compare(flux(210.0), flux(248.0), noise)
    assert (kinds(changes), changes.metrics[0].noise, changes.moved) == (["differs"], None, True)
    assert "scatter" not in diff_text(changes, 10_000)


def test_numbers_within_the_tolerance_are_the_same():
    assert compare(flux(210.0), flux(210.0 + 1e-8), {KEY: 0.0}).is_empty
    assert kinds(compare(flux(210.0), flux(210.0 + 1e-6))) == ["differs"]
    assert compare(flux(210.0), flux(248.0), tolerance=0.2).is_empty
    assert kinds(compare(flux(0.0), flux(1e-300))) == ["differs"]
    assert compare(flux(0.0), flux(-0.0), tolerance=0.0).is_empty


@pytest.mark.parametrize("missing", [None, math.nan, math.inf, -math.inf])
def test_a_value_that_is_missing(missing):
    gone, back = compare(flux(1.0), flux(missing)), compare(flux(missing), flux(1.0))
    assert (kinds(gone), kinds(back)) == (["missing"], ["available"])
    assert gone.metrics[0].after is back.metrics[0].before is None
    assert (gone.moved, back.moved) == (True, False)
    assert compare(flux(missing), flux(None)).is_empty


def test_values_in_different_units_are_not_compared_but_one_unit_has_many_spellings():
    (change,) = compare(flux(210.0), flux(0.21, unit="mJy"), {KEY: 1.0}).metrics
    assert (change.kind, change.change, change.relative, change.times) == ("unit", None, None, None)
    assert compare(flux(210.0), flux(210.0, unit="microJansky")).is_empty
    assert compare(flux(1.0, unit="furlong/x"), flux(1.0, unit="furlong/x")).is_empty


def test_from_zero_or_through_it_there_is_no_relative_change():
    for before, after in ((0.0, 5.0), (-3.0, 5.0), (3.0, -5.0)):
        assert compare(flux(before), flux(after)).metrics[0].relative is None
    assert compare(flux(-2.0), flux(-3.0)).metrics[0].relative == -0.5
    assert compare(flux(5.0), flux(0.0)).metrics[0].relative == -1.0


def test_no_number_is_infinite():
    changes = compare(flux(-1.7e308), flux(1.7e308), {KEY: 1e-300})
    assert kinds(changes) == ["moved"]
    assert json.loads(changes.model_dump_json())["metrics"][0]["change"] is None


def test_scatter_is_robust_and_needs_five_nights():
    assert usual_scatter([1, 2, 3, 4, 5]) == pytest.approx(1.4826)
    assert usual_scatter([1, 2, 3, 4, 1e9]) == pytest.approx(1.4826)
    assert usual_scatter([7.0] * 9) == 0
    assert usual_scatter([]) is None
    assert usual_scatter([1.0, 2.0, 3.0, 4.0, None, math.nan, math.inf]) is None
    assert usual_scatter([-1.7e308, -1.7e308, 0.0, 1.7e308, 1.7e308]) is None


def test_a_section_in_error_says_nothing_of_its_metrics_and_checks():
    fine = run(section(checks=[check(status="fail")], status="fail", median=metric(1.0)))
    broken = run(section(status="error", checks=[check(status="error")]))
    assert kinds(compare(fine, broken)) == ["error"]
    assert kinds(compare(broken, broken)) == ["still_in_error"]
    assert compare(broken, broken).is_empty
    assert not compare(broken, broken).moved


def test_sections_that_were_not_asked_for_are_not_gone():
    whole = run(section("a"), section("b", median=metric(1.0)))
    part = run(section("a"), only=("a",), left_out=("b",))
    for changes in (compare(whole, part), compare(part, whole)):
        assert (kinds(changes), changes.left_out, changes.moved) == ([], ("b",), False)


def test_an_input_that_moved_is_recognised_where_that_leaves_no_doubt():
    one = source("/22/a.h5", a=5)
    assert input_kinds([one], [source("/23/a.h5", a=5)]) == {"/23/a.h5": "moved"}
    assert input_kinds([one], [source("/23/b.h5", a=5)]) == {"/23/b.h5": "moved"}
    assert input_kinds([one], [source("/23/a.h5", a=7, sha256="b")]) == {"/23/a.h5": "grown"}
    other = {"/23/b.h5": "new", "/22/a.h5": "gone"}
    assert input_kinds([one], [source("/23/b.h5", a=7, sha256="b")]) == other
    before = [source("/1/a.h5", sha256="x"), source("/2/a.h5", sha256="x")]
    either = input_kinds(before, [source("/3/a.h5", sha256="y")])
    assert sorted(either.values()) == ["gone", "gone", "new"]


def test_the_configuration_is_shown_as_a_short_diff():
    text = "".join(f"line_{n}: {n}\n" for n in range(500))
    short = compare(
        run(text=text, number="A"), run(text=text.replace("20: 20\n", "20: 21\n"), number="B")
    ).configuration
    assert short.diff[:2] == ("--- A", "+++ B")
    assert {"-line_20: 20", "+line_20: 21"} < set(short.diff)
    assert (len(short.diff) < 12, short.added, short.removed) == (True, 1, 1)
    changes = compare(run(text=text), run(text=""))
    assert changes.configuration.removed == 500
    assert len(changes.configuration.diff) + changes.configuration.more == 503
    assert f"… {changes.configuration.more} more" in diff_text(changes, 10_000)
    odd = compare(run(text="---\na: 1\n"), run(text="++ b\na: 1\n")).configuration
    assert (odd.added, odd.removed) == (1, 1)  # lines that look like the names of a diff


METRICS = st.builds(
    metric,
    st.none() | st.floats(allow_nan=True) | st.integers(-5, 5).map(float),
    unit=st.sampled_from(["", "uJy", "mJy", "%"]),
    digits=st.none() | st.integers(0, 15),
)
CHECKS = st.builds(
    check,
    st.sampled_from(["c", "d"]),
    st.sampled_from(["ok", "warn", "fail", "error"]),
    waived=st.booleans(),
    in_force=st.booleans(),
)
SECTIONS = st.builds(
    lambda name, broken, metrics, checks: section(
        name,
        "error" if broken else worst(each.counts_as for each in checks),
        "broken" if broken else "",
        checks=checks,
        **metrics,
    ),
    st.sampled_from("abc"),
    st.booleans(),
    st.dictionaries(st.sampled_from(["m", "n", "o"]), METRICS),
    st.lists(CHECKS, unique_by=lambda c: c.id),
)
INPUTS = st.builds(
    lambda rows, **more: source(**rows, **more),
    st.dictionaries(st.sampled_from("ab"), st.integers(0, 5)),
    path=st.sampled_from(["/1/a.h5", "/2/a.h5", "/2/b.h5", "/3/c.h5"]),
    size=st.none() | st.integers(0, 10**13),
    sha256=st.none() | st.sampled_from(["x" * 64, "y" * 64]),
    error=st.sampled_from(["", "", "no"]),
)
RUNS = st.builds(
    lambda sections, inputs, **more: run(*sections, inputs=inputs, **more),
    st.lists(SECTIONS, unique_by=lambda s: s.id),
    st.lists(INPUTS, unique_by=lambda i: i.path),
    text=st.text("ab\n", max_size=12),
    overrides=st.sampled_from([(), ("a=1",)]),
    commit=st.sampled_from(["", "a" * 40]),
    clean=st.none() | st.booleans(),
    versions=st.dictionaries(st.sampled_from(["python", "numpy"]), st.sampled_from(["1", "2"])),
    report=st.sampled_from(["cdfs", "elais"]),
)
NOISE = st.dictionaries(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["m", "n"])),
    st.none() | st.floats(min_value=0),
)
MIRRORED = {
    "new": "gone",
    "grown": "shrunk",
    "readable": "unreadable",
    "missing": "available",
    "error": "recovered",
}
MIRRORED |= {other: one for one, other in MIRRORED.items()}


@settings(max_examples=40)
@given(RUNS, RUNS, NOISE)
def test_whatever_changed_is_mirrored_on_the_way_back_and_can_be_said_and_stored(one, other, noise):
    there, back = compare(one, other, noise), compare(other, one, noise)
    same = compare(one, one, noise)
    assert same.is_empty
    assert not same.moved
    assert set(kinds(same)) <= {"still", "still_in_error"}

    # A new section in error is said to be in error; on the way back it is gone.
    names = [{s.id for s in each.sections} for each in (one, other)]
    unlike = names[0] ^ names[1]

    def listed(changes, mirrored):
        return sorted(
            (
                getattr(c, "section", ""),
                getattr(c, "metric", ""),
                MIRRORED.get(c.kind, c.kind) if mirrored else c.kind,
            )
            for c in (*changes.inputs, *changes.metrics, *changes.sections)
            if c.kind != "still_in_error" and getattr(c, "section", "") not in unlike
        )

    assert listed(there, mirrored=False) == listed(back, mirrored=True)
    assert there.is_empty == back.is_empty
    numbers = {(c.section, c.metric): (c.after, c.before, c.times) for c in back.metrics}
    assert {(c.section, c.metric): (c.before, c.after, c.times) for c in there.metrics} == numbers

    assert Changes.model_validate_json(there.model_dump_json()) == there
    assert "Infinity" not in there.model_dump_json()
    said = sentences(there)
    assert all(s.text.endswith(".") and "nan" not in s.text for s in said)
    assert there.is_empty == ("Nothing changed." in diff_text(there, 10_000))
    assert there.is_empty or said
