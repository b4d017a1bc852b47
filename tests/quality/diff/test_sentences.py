from pathlib import PurePath

import pytest
from cases import cases
from made_records import VERSIONS, check, flux, metric, run, section, source

from reportgen.cli.tables import diff_text
from reportgen.quality.diff.compare import compare
from reportgen.quality.diff.sentences import sentences

KEY = ("flux", "median")


def said(before, after, noise=None):
    """Give all sentences, with plain spaces."""
    changes = compare(before, after, noise)
    return [sentence.text.replace("\u00a0", " ") for sentence in sentences(changes)]


@pytest.mark.parametrize(
    ("before", "after", "noise", "sentence"),
    [
        (210, 248, 9, "median rose from 210 to 248 µJy (+18 %), 4.2 times the usual scatter."),
        (248, 210, 1, "median fell from 248 to 210 µJy (−15 %), 38 times the usual scatter."),
        (210, 248, None, "median differs: 248 µJy after 210 (+18 %)."),
        (0, 3, 0.5, "median rose from 0 to 3 µJy (+3 µJy), 6 times the usual scatter."),
        (-5, -3, 0.1, "median rose from −5 to −3 µJy (+40 %), 20 times the usual scatter."),
        (
            3,
            4,
            0,
            "median rose from 3 to 4 µJy (+33 %), after nights of which at least half had one "
            "value.",
        ),
        (1, 500, 0.1, "median rose from 1 to 500 µJy (+499 µJy), 4,990 times the usual scatter."),
    ],
)
def test_a_metric_that_changed(before, after, noise, sentence):
    assert said(flux(float(before)), flux(float(after)), {KEY: noise}) == [f"Flux: {sentence}"]


@pytest.mark.parametrize(
    ("before", "after", "unit", "digits", "sentence"),
    [
        (47.31, 51.22, "%", 1, "median differs: 51.2 % after 47.3 % (+3.9 percentage points)."),
        (53.1, 53.2, "deg", None, "median differs: 53.2° after 53.1° (+0.1°)."),
        (22.1, 22.3, "mag", None, "median differs: 22.3 mag after 22.1 (+0.2 mag)."),
        (1.49, 1.51, "", 0, "median differs: 1.510 after 1.490 (+1.3 %)."),
        (1.0, 1.0000001, "", 2, "median differs: 1.0000001 after 1.0000000 (+1×10⁻⁵ %)."),
        (1.2e-9, 1.20004e-9, "", None, "median differs: 1.20004×10⁻⁹ after 1.20000×10⁻⁹"),
        (0.0004, 3.0, "", 1, "median differs: 3.0 after 0.0004 (+2.9996)."),
    ],
)
def test_numbers_that_differ_are_seen_to(before, after, unit, digits, sentence):
    (found,) = said(*(flux(v, unit=unit, digits=digits) for v in (before, after)))
    assert found.startswith(f"Flux: {sentence}")


def test_metrics_that_come_and_go_or_have_another_unit():
    before = run(section(a=metric(1.0, label="a"), b=metric(2.0, label="b"), d=metric(None)))
    after = run(section(a=metric(None, label="a"), c=metric(3.0, "", label="c"), d=metric(5.0)))
    assert said(before, after) == [
        "Flux: no value for a: 1 µJy before.",
        "Flux: the metric “b” is gone: 2 µJy before.",
        "Flux: median has a value, and had none before: 5 µJy.",
        "Flux: a new metric, “c”: 3.",
    ]
    assert (compare(before, after).moved, compare(run(section()), after).moved) == (True, False)
    assert said(flux(210.0), flux(0.21, unit="mJy")) == [
        "Flux: the unit of median was µJy and is mJy, so that its values are not compared: "
        "210 µJy before, 0.21 mJy now."
    ]
    assert said(flux(None), flux(0.5, unit=""))[0].endswith("no value before, 0.5 now.")


def test_metrics_within_their_scatter_share_a_sentence():
    noise = {("flux", name): 9.0 for name in "ab"}
    before = run(section(a=metric(1.0), b=metric(2.0)))
    after = run(section(a=metric(2.0), b=metric(1.0)))
    assert said(before, after, noise) == [
        "2 numbers differ by no more than 4 times the usual scatter."
    ]


@pytest.mark.parametrize(
    ("before", "after", "kind", "sentence"),
    cases(
        """
ok | fail | new | failed; it was ok before. It is 248.
ok | warn | new | has a warning; it was ok before. It is 248.
ok | error | new | could not be checked; it was ok before. It is 248.
none | fail | new | failed; it was not checked before. It is 248.
idle | fail | new | failed; it was not checked before. It is 248.
waived | fail | new | failed; it was waived before. It is 248.
warn | fail | worse | failed; it had a warning before. It is 248.
fail | fail | still | still fails. It is 248.
fail | warn | better | has a warning; it failed before. It is 248.
fail | ok | recovered | is ok again; it failed before.
waived | ok | recovered | is ok again; it was waived before.
fail | waived | waived | does not hold, which is waived; it failed before. It is 248.
ok | waived | waived | does not hold, which is waived; it was ok before. It is 248.
fail | none | unchecked | is not checked any more; it failed before.
waived | idle | unchecked | is not checked any more; it was waived before. It is 248.
ok | ok | nothing | -
ok | none | nothing | -
none | ok | nothing | -
waived | waived | nothing | -
"""
    ),
)
def test_a_check_of_a_section_or_of_the_whole_run(before, after, kind, sentence):
    def made(status):
        if status == "none":
            return ()
        waived, idle = status == "waived", status == "idle"
        ended = "fail" if waived else "ok" if idle else status
        return (check(status=ended, waived=waived, in_force=not idle),)

    one, other = made(before), made(after)
    whole = compare(run(section(), checks=one), run(section(), checks=other))
    part = compare(run(section(checks=one)), run(section(checks=other)))
    for changes, place in ((whole, ("", "Budgets")), (part, ("flux", "Flux"))):
        found = [(c.section, c.title, c.name, c.kind) for c in changes.verdicts]
        assert found == ([] if kind == "nothing" else [(*place, "limit", kind)])
        said = "".join(each.text for each in sentences(changes)) or "-"
        assert said.removeprefix(f"{place[1]}: “median at most 230” ") == sentence
        assert changes.is_empty == (kind in {"nothing", "still"})
        assert changes.moved == (kind in {"new", "worse"})


def test_the_label_of_a_rule_keeps_its_own_quotation_marks():
    rule = check(status="fail", label="“a > b”, broken: at most 0 %")
    broken = run(section(checks=[rule]))
    assert said(broken, broken)[0].startswith("Flux: “‘a > b’, broken: at most 0 %” still fails.")


def test_sections():
    before = run(section("a"), section("b", "error", "no"), section("d"), section("e", "error"))
    after = run(
        section("a", "error", "column x is missing\nmore"),
        section("b"),
        section("c"),
        section("e", "error"),
    )
    assert compare(before, after).moved
    assert said(before, after) == [
        "A: the section could not be computed: column x is missing …",
        "D: the section is gone.",
        "E: the section still cannot be computed.",
        "B: the section could be computed again.",
        "C: a new section.",
    ]


GROWN = "grew from 2,000 to 2,400 rows and from 2.9 MB to 3.4 MB."
BY_NAME = "in /a from 20 to 21 rows, in /b from 30 to 31 rows and from 2,900,000 to 2,900,010 bytes"
MOVED = "has the same content as before. It was read from /22/a.h5, and is now from /23/a.h5."


@pytest.mark.parametrize(
    ("before", "after", "kind", "said"),
    [
        ({"a": 2000}, {"a": 2400, "size": 3_400_000}, "grown", GROWN),
        ({"a": 2, "b": 2}, {"a": 1, "b": 1}, "shrunk", "shrank from 2 to 1 rows and in as many"),
        ({"a": 20, "b": 30}, {"a": 21, "b": 31, "size": 2_900_010}, "grown", f"grew {BY_NAME}."),
        ({"a": 5}, {"a": 5, "size": 3_000_000}, "grown", "grew from 2.9 MB to 3 MB."),
        ({"a": 5}, {"a": 5, "size": 2}, "shrunk", "shrank from 2.9 MB to 2 B."),
        ({"a": 2}, {"a": 2}, "changed", "has other content of the same size."),
        ({"a": 2}, {"a": 2, "size": None}, "changed", "has other content."),
        (
            {"a": 2, "b": 3},
            {"a": 3, "b": 2},
            "changed",
            "has other content, in /a from 2 to 3",
        ),
        ({"a": 5}, {"b": 7, "sha256": "a" * 64}, "unchanged", "is unchanged."),
        ({"sha256": None}, {"size": 3_000_000, "sha256": None}, "grown", "grew from 2.9 MB to 3"),
        ({}, {"sha256": None}, "unknown", "could not be compared: its checksum is not known."),
        ({}, {"error": "No file"}, "unreadable", "could not be read: No file."),
        ({"error": "no"}, {}, "readable", "can be read again."),
        ({"error": "no"}, {"error": "not"}, "still_unreadable", "still cannot be read: not."),
        ({"path": "/22/a.h5"}, {"path": "/23/a.h5", "sha256": "a" * 64}, "moved", MOVED),
    ],
)
def test_an_input(before, after, kind, said):
    one, other = source(**before), source(**{"sha256": "b", **after})
    changes = compare(run(inputs=[one]), run(inputs=[other]))
    assert [change.kind for change in changes.inputs] == [kind]
    (sentence,) = sentences(changes)
    name = PurePath(other.path).name
    assert sentence.text.replace("\u00a0", " ").startswith(f"{name} {said}")


def test_inputs_that_come_and_go_and_share_a_name():
    one = source("/d/a.h5", x=12)
    two = source("/d/b.h5", sha256="b", size=10, x=3, y=4)
    assert said(run(inputs=[one]), run(inputs=[one, two])) == [
        "b.h5 is a new input: 3 rows in /x, 4 rows in /y and 10 B.",
        "a.h5 is unchanged.",
    ]
    (gone,) = said(run(inputs=[one]), run())
    assert gone == "a.h5 is not read any more: 12 rows and 2.9 MB before."
    alike = run(inputs=[source("/1/a.h5"), source("/2/a.h5", sha256="b")])
    assert said(alike, alike) == ["/1/a.h5 and /2/a.h5 are unchanged."]


def test_what_made_the_runs():
    before = run(text="a: 1\nb: 2\n", commit="a" * 40, clean=True)
    after = run(
        text="a: 1\nb: 3\nc: 4\n",
        overrides=("output.paper=letter",),
        versions={"numpy": "2.2.0", "python": VERSIONS["python"], "scipy": "1.14"},
        commit="b" * 40,
        clean=False,
    )
    assert said(before, after) == [
        "The configuration changed: 2 lines added and 1 line removed.",
        "Values set on the command line: output.paper=letter; before: none.",
        "Other versions: numpy 2.1.0 → 2.2.0 and scipy unknown → 1.14.",
        "The configuration is at commit bbbbbbbbbb, with uncommitted changes; before: aaaaaaaaaa.",
    ]
    assert said(run(text="a: 1\n"), run(text="a: 1")) == [
        "The configuration changed: only the ends of its lines."
    ]
    assert said(run(commit="a", clean=True), run(commit="a", clean=False)) == [
        "The configuration is at the same commit, with uncommitted changes now."
    ]
    part = run(section("a"), only=("a",), left_out=("b",))
    assert said(run(section("a"), section("b"), report="elais"), part) == [
        "These are runs of different reports, elais and cdfs.",
        "1 section was left out of a partial run: b.",
    ]


def test_the_worst_comes_first():
    before = run(
        section(
            status="fail",
            checks=[check("a"), check("b"), check("c", "fail")],
            **{name: metric(1.0, label=name) for name in ("x", "y", "z")},
        ),
        section("sick"),
        inputs=[source()],
    )
    after = run(
        section(
            status="fail",
            checks=[check("a", "fail"), check("b", "warn"), check("c", "ok")],
            x=metric(3.0, label="x"),
            y=metric(9.0, label="y"),
            z=metric(2.0, label="z"),
        ),
        section("sick", "error", "no"),
        inputs=[source(sha256="b")],
        text="a: 1",
    )
    found = sentences(compare(before, after, {("flux", name): 0.25 for name in "xy"}))
    assert [(s.kind, s.status, s.section) for s in found] == [
        ("section error", "error", "sick"),
        ("verdict new fail", "fail", "flux"),
        ("metric moved", None, "flux"),
        ("metric moved", None, "flux"),
        ("verdict new warn", "warn", "flux"),
        ("input changed", None, ""),
        ("configuration", None, ""),
        ("metric differs", None, "flux"),
        ("verdict recovered", "ok", "flux"),
    ]
    assert ["y rose" in found[2].text, "x rose" in found[3].text] == [True, True]


def test_the_text_for_a_terminal():
    before = run(section(median=metric(210.0)), number="20261122T020000Z", text="bins: 30\n")
    after = run(section(median=metric(248.0)), text="bins: 40\n", only=("flux",))
    assert diff_text(compare(before, after, {KEY: 9.0}), 10_000) == (
        "cdfs 20261122T020000Z (ok) → cdfs 20261123T020000Z (partial, ok)\n"
        "\n"
        "  ·      Flux: median rose from 210 to 248 µJy (+18 %), 4.2 times the usual scatter.\n"
        "  ·      The configuration changed: 1 line added and 1 line removed.\n"
        "\n"
        "  --- 20261122T020000Z\n"
        "  +++ 20261123T020000Z\n"
        "  @@ -1 +1 @@\n"
        "  -bins: 30\n"
        "  +bins: 40\n"
    )
