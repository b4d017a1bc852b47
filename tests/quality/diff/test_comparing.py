import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_runs import check, flux, metric, run, section, source

from reportgen.cli.tables import diff_text
from reportgen.quality.diff.compare import compare, usual_scatter
from reportgen.quality.diff.records import Changes
from reportgen.quality.diff.sentences import moved_beyond, sentences

KEY = ("flux", "median")


def kinds(changes):
    """Give the kinds of all that is listed."""
    return [c.kind for c in (*changes.metrics, *changes.verdicts, *changes.sections)]


def input_kinds(before, after):
    changes = compare(run(inputs=before), run(inputs=after))
    return {change.path: change.kind for change in changes.inputs}


# Metrics


def test_a_metric_that_moved_beyond_its_noise():
    changes = compare(flux(210.0), flux(248.0), {KEY: 9.0})
    (change,) = changes.metrics
    assert (change.kind, change.before, change.after, change.unit) == ("moved", 210, 248, "uJy")
    assert change.change == 38
    assert change.relative == pytest.approx(38 / 210)
    assert change.times == pytest.approx(38 / 9)
    assert (change.section, change.title, change.metric) == ("flux", "Flux", "median")
    assert moved_beyond(changes)


def test_a_metric_within_its_noise():
    changes = compare(flux(210.0), flux(248.0), {KEY: 10.0})
    assert kinds(changes) == ["within"]
    assert not moved_beyond(changes)
    assert moved_beyond(compare(flux(210.0), flux(248.0), {KEY: 10.0}, beyond=3))


@pytest.mark.parametrize("noise", [{}, {KEY: None}, {KEY: math.nan}, {KEY: math.inf}, {KEY: -1.0}])
def test_without_history_a_metric_only_differs(noise):
    changes = compare(flux(210.0), flux(248.0), noise)
    assert kinds(changes) == ["differs"]
    assert changes.metrics[0].noise is None
    assert "scatter" not in diff_text(changes, 10_000)
    assert moved_beyond(changes)


def test_a_metric_that_never_scattered_moves_by_any_amount():
    changes = compare(flux(210.0), flux(210.1), {KEY: 0.0})
    assert kinds(changes) == ["moved"]
    assert changes.metrics[0].times is None
    assert kinds(compare(flux(210.0), flux(210.0 + 1e-10), {KEY: 0.0})) == []


def test_numbers_within_the_tolerance_are_the_same():
    assert compare(flux(210.0), flux(210.0 + 1e-8)).is_empty
    assert kinds(compare(flux(210.0), flux(210.0 + 1e-6))) == ["differs"]
    assert compare(flux(210.0), flux(248.0), tolerance=0.2).is_empty
    assert kinds(compare(flux(0.0), flux(1e-300))) == ["differs"]
    assert compare(flux(0.0), flux(-0.0), tolerance=0.0).is_empty


@pytest.mark.parametrize("missing", [None, math.nan, math.inf, -math.inf])
def test_a_value_that_is_missing(missing):
    gone, back = compare(flux(1.0), flux(missing)), compare(flux(missing), flux(1.0))
    assert (kinds(gone), kinds(back)) == (["missing"], ["available"])
    assert gone.metrics[0].after is back.metrics[0].before is None
    assert moved_beyond(gone)
    assert not moved_beyond(back)
    assert compare(flux(missing), flux(None)).is_empty


def test_values_in_different_units_are_not_compared():
    changes = compare(flux(210.0), flux(0.21, unit="mJy"), {KEY: 1.0})
    (change,) = changes.metrics
    assert (change.kind, change.unit_before, change.unit) == ("unit", "uJy", "mJy")
    assert change.change is change.relative is change.times is None
    assert kinds(compare(flux(None), flux(1.0, unit="mJy"))) == ["unit"]


def test_one_unit_in_two_spellings_is_one_unit():
    assert compare(flux(210.0), flux(210.0, unit="microJansky")).is_empty
    assert compare(flux(1.0, unit="furlong/x"), flux(1.0, unit="furlong/x")).is_empty


def test_metrics_come_and_go():
    before = run(section(median=metric(1.0), mean=metric(2.0)))
    after = run(section(median=metric(1.0), mode=metric(3.0)))
    changes = compare(before, after)
    assert {c.metric: c.kind for c in changes.metrics} == {"mode": "new", "mean": "gone"}
    assert moved_beyond(changes)
    assert not moved_beyond(compare(run(section()), after))


def test_from_zero_or_through_it_there_is_no_relative_change():
    for before, after in ((0.0, 5.0), (-3.0, 5.0), (3.0, -5.0)):
        assert compare(flux(before), flux(after)).metrics[0].relative is None
    assert compare(flux(-2.0), flux(-3.0)).metrics[0].relative == -0.5
    assert compare(flux(5.0), flux(0.0)).metrics[0].relative == -1.0


def test_no_number_is_infinite():
    changes = compare(flux(-1.7e308), flux(1.7e308), {KEY: 1e-300})
    assert kinds(changes) == ["moved"]
    assert json.loads(changes.model_dump_json())["metrics"][0]["change"] is None
    assert Changes.model_validate_json(changes.model_dump_json()) == changes


# Scatter


def test_scatter_is_robust():
    assert usual_scatter([1, 2, 3, 4, 5]) == pytest.approx(1.4826)
    assert usual_scatter([1, 2, 3, 4, 1e9]) == pytest.approx(1.4826)
    assert usual_scatter([7.0] * 9) == 0


def test_few_nights_have_no_scatter():
    assert usual_scatter([]) is None
    assert usual_scatter([1.0, 2.0, 3.0, 4.0, None, math.nan, math.inf]) is None
    assert usual_scatter([-1.7e308, -1.7e308, 0.0, 1.7e308, 1.7e308]) is None


# Verdicts


VERDICTS = pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (None, "fail", "new"),
        ("ok", "warn", "new"),
        ("warn", "fail", "worse"),
        ("fail", "fail", "still"),
        ("fail", "warn", "better"),
        ("fail", "ok", "recovered"),
        ("warn", None, "unchecked"),
        ("ok", "ok", None),
        ("ok", None, None),
        (None, "ok", None),
    ],
)


@VERDICTS
def test_checks_of_the_whole_run_are_compared_and_belong_to_no_section(before, after, kind):
    one, other = (
        run(section()).model_copy(
            update={"checks": (check("budget-pdf", status),) if status else ()}
        )
        for status in (before, after)
    )
    changes = compare(one, other).verdicts
    assert [(c.section, c.title, c.name, c.kind) for c in changes] == (
        [("", "Budgets", "budget-pdf", kind)] if kind else []
    )


@VERDICTS
def test_verdicts_of_metrics(before, after, kind):
    one, other = flux(1.0, verdict=before), flux(1.0, verdict=after)
    changes = compare(one, other)
    assert [c.kind for c in changes.verdicts] == ([kind] if kind else [])
    assert changes.is_empty == (kind in {None, "still"})
    assert moved_beyond(changes) == (kind in {"new", "worse"})


def test_checks_speak_for_the_metrics_they_are_on():
    before = run(section(checks=[check(metric="median")], median=metric(1.0, verdict="ok")))
    after = run(
        section(
            status="fail",
            checks=[check(status="fail", metric="median")],
            median=metric(1.0, verdict="fail"),
        )
    )
    (change,) = compare(before, after).verdicts
    assert (change.name, change.kind, change.message) == ("limit", "new", "It is 248.")


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ({"status": "fail"}, {"status": "fail", "waived": True}, "waived"),
        ({"status": "ok"}, {"status": "fail", "waived": True}, "waived"),
        ({"status": "fail", "waived": True}, {"status": "fail", "waived": True}, None),
        ({"status": "fail", "waived": True}, {"status": "fail"}, "new"),
        ({"status": "fail", "waived": True}, {"status": "ok"}, "recovered"),
        ({"status": "fail", "waived": True}, {"status": "ok", "in_force": False}, "unchecked"),
        ({"status": "fail"}, {"status": "ok", "in_force": False}, "unchecked"),
        ({"status": "ok", "in_force": False}, {"status": "fail"}, "new"),
    ],
)
def test_waived_checks_and_checks_out_of_force_are_not_recovered(before, after, kind):
    one, other = (
        run(section(status="fail", checks=[check(**c), check("other", "fail")]))
        for c in (before, after)
    )
    changes = [c for c in compare(one, other).verdicts if c.name == "limit"]
    assert [c.kind for c in changes] == ([kind] if kind else [])


def test_a_section_that_fails_without_a_check_is_said():
    ok, bad = run(section()), run(section(status="fail"))
    assert [(c.name, c.kind) for c in compare(ok, bad).verdicts] == [("", "new")]
    assert [(c.name, c.kind) for c in compare(bad, ok).verdicts] == [("", "recovered")]
    checked = run(section(status="fail", checks=[check(status="fail")]))
    assert [(c.name, c.kind) for c in compare(bad, checked).verdicts] == [("limit", "new")]


# Sections


def test_sections_come_and_go_and_break_and_recover():
    before = run(section("a"), section("b"), section("c", "error", "no"), section("e", "error"))
    after = run(section("a"), section("b", "error", "why"), section("c"), section("d"))
    changes = compare(before, after)
    assert {c.section: c.kind for c in changes.sections} == {
        "b": "error",
        "c": "recovered",
        "d": "new",
        "e": "gone",
    }
    assert changes.sections[0].message == "why"
    assert moved_beyond(changes)


def test_a_section_in_error_says_nothing_of_its_metrics_and_checks():
    fine = run(section(checks=[check(status="fail")], status="fail", median=metric(1.0)))
    broken = run(section(status="error", checks=[check(status="error")]))
    assert kinds(compare(fine, broken)) == ["error"]
    assert kinds(compare(broken, broken)) == ["still_in_error"]
    assert compare(broken, broken).is_empty
    assert not moved_beyond(compare(broken, broken))


def test_sections_that_were_not_asked_for_are_not_gone():
    whole = run(section("a"), section("b", median=metric(1.0)))
    part = run(section("a"), only=("a",), left_out=("b",))
    for changes in (compare(whole, part), compare(part, whole)):
        assert kinds(changes) == []
        assert changes.left_out == ("b",)
        assert not moved_beyond(changes)


# Inputs


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (source(a=5), source(a=5), "unchanged"),
        (source(a=5), source(a=7, size=3_000_000, sha256="b"), "grown"),
        (source(a=7), source(a=5, size=3_000_000, sha256="b"), "shrunk"),
        (source(a=5), source(a=5, size=3_000_000, sha256="b"), "grown"),
        (source(a=5), source(a=5, size=2, sha256="b"), "shrunk"),
        (source(a=5), source(a=5, sha256="b"), "changed"),
        (source(a=5, b=5), source(a=7, b=3, sha256="b"), "changed"),
        (source(a=5), source(b=7), "unchanged"),  # other datasets of one file
        (source(sha256=None), source(size=3_000_000, sha256=None), "grown"),
        (source(sha256=None), source(), "unknown"),
        (source(), source(size=None, sha256=None), "unknown"),
        (source(), source(error="no"), "unreadable"),
        (source(error="no"), source(), "readable"),
        (source(error="no"), source(error="not"), "still_unreadable"),
        (source(error="no"), source(error="no"), "still_unreadable"),
    ],
)
def test_inputs_are_compared(before, after, kind):
    assert input_kinds([before], [after]) == {before.path: kind}


def test_numbers_of_an_input_are_given_for_both_runs():
    before, after = source(a=5, b=1), source(a=7, c=2, size=3_000_000, sha256="b")
    (change,) = compare(run(inputs=[before]), run(inputs=[after])).inputs
    assert (change.bytes_before, change.bytes_after) == (2_900_000, 3_000_000)
    assert [(d.name, d.before, d.after) for d in change.datasets] == [
        ("/a", 5, 7),
        ("/c", None, 2),
        ("/b", 1, None),
    ]


def test_new_and_gone_inputs():
    before, after = [source("/a.h5"), source("/b.h5", sha256="b")], [source("/a.h5")]
    assert input_kinds(before, after) == {"/a.h5": "unchanged", "/b.h5": "gone"}
    assert input_kinds(after, before) == {"/a.h5": "unchanged", "/b.h5": "new"}


def test_an_input_that_moved_is_recognised():
    one = source("/22/a.h5", a=5)
    assert input_kinds([one], [source("/23/a.h5", a=5)]) == {"/23/a.h5": "moved"}
    assert input_kinds([one], [source("/23/b.h5", a=5)]) == {"/23/b.h5": "moved"}
    assert input_kinds([one], [source("/23/a.h5", a=7, sha256="b")]) == {"/23/a.h5": "grown"}
    assert input_kinds([one], [source("/23/b.h5", a=7, sha256="b")]) == {
        "/23/b.h5": "new",
        "/22/a.h5": "gone",
    }


def test_inputs_that_could_be_either_are_not_paired():
    before = [source("/1/a.h5", sha256="x"), source("/2/a.h5", sha256="x")]
    after = [source("/3/a.h5", sha256="y")]
    assert sorted(input_kinds(before, after).values()) == ["gone", "gone", "new"]


# What made the runs


def test_the_configuration_is_shown_as_a_short_diff():
    text = "".join(f"line_{n}: {n}\n" for n in range(30))
    changes = compare(
        run(text=text, number="A"), run(text=text.replace("20: 20", "20: 21"), number="B")
    )
    assert changes.configuration.diff[:2] == ("--- A", "+++ B")
    assert "-line_20: 20" in changes.configuration.diff
    assert "+line_20: 21" in changes.configuration.diff
    assert len(changes.configuration.diff) < 12
    assert (changes.configuration.added, changes.configuration.removed) == (1, 1)


def test_a_long_diff_is_cut_and_says_so():
    text = "".join(f"line_{n}: {n}\n" for n in range(500))
    changes = compare(run(text=text), run(text=""))
    assert changes.configuration.removed == 500
    assert len(changes.configuration.diff) + changes.configuration.more == 503
    assert f"… {changes.configuration.more} more" in diff_text(changes, 10_000)


def test_lines_that_look_like_the_names_of_a_diff_are_counted():
    changes = compare(run(text="---\na: 1\n"), run(text="++ b\na: 1\n"))
    assert (changes.configuration.added, changes.configuration.removed) == (1, 1)


def test_versions_commit_and_overrides():
    changes = compare(
        run(versions={"python": "3.11", "scipy": "1"}, commit="a" * 40, clean=True),
        run(versions={"python": "3.12", "numpy": "2"}, commit="b" * 40, overrides=("x=1",)),
    )
    assert {v.name: (v.before, v.after) for v in changes.versions} == {
        "python": ("3.11", "3.12"),
        "numpy": (None, "2"),
        "scipy": ("1", None),
    }
    assert (changes.commit.before, changes.commit.after) == ("a" * 40, "b" * 40)
    assert changes.configuration.overrides_after == ("x=1",)
    assert changes.configuration.diff == ()
    assert not moved_beyond(changes)


# Properties

STATUSES = st.sampled_from(["ok", "warn", "fail"])
METRICS = st.builds(
    metric,
    st.none() | st.floats(allow_nan=True) | st.integers(-5, 5).map(float),
    unit=st.sampled_from(["", "uJy", "mJy", "%", "deg"]),
    digits=st.none() | st.integers(0, 15),
    verdict=st.none() | STATUSES,
)
SECTIONS = st.builds(
    lambda name, status, metrics, checks: section(
        name, status, "broken" if status == "error" else "", checks, **metrics
    ),
    name=st.sampled_from("abc"),
    status=STATUSES | st.just("error"),
    metrics=st.dictionaries(st.sampled_from(["m", "n", "o"]), METRICS),
    checks=st.lists(
        st.builds(
            check,
            st.sampled_from(["c", "d"]),
            STATUSES,
            waived=st.booleans(),
            in_force=st.booleans(),
        ),
        unique_by=lambda c: c.id,
    ),
)
INPUTS = st.builds(
    source,
    path=st.sampled_from(["/1/a.h5", "/2/a.h5", "/2/b.h5", "/3/c.h5"]),
    size=st.none() | st.integers(0, 10**13),
    sha256=st.none() | st.sampled_from(["x" * 64, "y" * 64]),
    error=st.sampled_from(["", "", "no"]),
    a=st.integers(0, 5),
    b=st.integers(0, 10**7),
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
    "gone": "new",
    "grown": "shrunk",
    "shrunk": "grown",
    "readable": "unreadable",
    "unreadable": "readable",
    "missing": "available",
    "available": "missing",
    "error": "recovered",
    "recovered": "error",
}


@given(RUNS, NOISE)
def test_a_run_does_not_differ_from_itself(one, noise):
    changes = compare(one, one, noise)
    assert changes.is_empty
    assert not moved_beyond(changes)
    assert {c.kind for c in changes.inputs} <= {"unchanged", "still_unreadable"}
    assert set(kinds(changes)) <= {"still", "still_in_error"}


@given(RUNS, RUNS, NOISE)
def test_there_and_back_are_mirrored(one, other, noise):
    there, back = compare(one, other, noise), compare(other, one, noise)

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

    # A new section in error is said to be in error; on the way back it is gone.
    names = [{s.id for s in each.sections} for each in (one, other)]
    unlike = names[0] ^ names[1]

    assert listed(there, mirrored=False) == listed(back, mirrored=True)
    assert there.is_empty == back.is_empty
    assert {v.name for v in there.versions} == {v.name for v in back.versions}
    for here, again in zip(
        sorted(there.metrics, key=lambda c: (c.section, c.metric)),
        sorted(back.metrics, key=lambda c: (c.section, c.metric)),
        strict=True,
    ):
        assert (here.before, here.after) == (again.after, again.before)
        assert here.change is None or here.change == -again.change
        assert here.times == again.times


@given(RUNS, RUNS, NOISE)
def test_whatever_changed_can_be_said_and_kept(one, other, noise):
    changes = compare(one, other, noise)
    assert Changes.model_validate_json(changes.model_dump_json()) == changes
    assert "Infinity" not in changes.model_dump_json()
    said = sentences(changes)
    assert all(s.text.endswith(".") and "nan" not in s.text for s in said)
    assert changes.is_empty == ("Nothing changed." in diff_text(changes, 10_000))
    assert changes.is_empty or said
