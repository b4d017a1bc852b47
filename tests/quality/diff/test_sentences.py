import pytest
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
    ("before", "after", "sentence"),
    [
        ("ok", "fail", "failed; it was ok before. It is 248."),
        ("ok", "warn", "has a warning; it was ok before. It is 248."),
        ("fail", "fail", "still fails. It is 248."),
        ("warn", "fail", "failed; it had a warning before. It is 248."),
        ("fail", "ok", "is ok again; it failed before."),
        ("ok", "error", "could not be checked; it was ok before. It is 248."),
        ("waived", "fail", "failed; it was waived before. It is 248."),
        ("fail", "waived", "does not hold, which is waived; it failed before. It is 248."),
        ("fail", None, "is not checked any more; it failed before."),
        (None, "fail", "failed; it was not checked before. It is 248."),
    ],
)
def test_a_check(before, after, sentence):
    def made(status):
        waived = status == "waived"
        found = check(status="fail" if waived else status, waived=waived) if status else None
        return run(section(checks=() if found is None else [found]))

    assert said(made(before), made(after)) == [f"Flux: “median at most 230” {sentence}"]


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
    assert said(before, after) == [
        "A: the section could not be computed: column x is missing …",
        "D: the section is gone.",
        "E: the section still cannot be computed.",
        "B: the section could be computed again.",
        "C: a new section.",
    ]


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        (
            source(a=2000),
            source(a=2400, size=3_400_000, sha256="b"),
            "grew from 2,000 to 2,400 rows and from 2.9 MB to 3.4 MB.",
        ),
        (
            source(a=2000, b=2000),
            source(a=1000, b=1000, sha256="b"),
            "shrank from 2,000 to 1,000 rows and in as many bytes.",
        ),
        (
            source(a=20, b=30),
            source(a=21, b=31, size=2_900_010, sha256="b"),
            "grew in /a from 20 to 21 rows, in /b from 30 to 31 rows and from 2,900,000 to "
            "2,900,010 bytes.",
        ),
        (
            source(a=20),
            source(a=21, b=31, size=2_900_010, sha256="b"),
            "grew from 20 to 21 rows and from 2,900,000 to 2,900,010 bytes.",
        ),
        (source(a=2), source(a=2, sha256="b"), "has other content of the same size."),
        (source(a=2), source(a=2, sha256="b", size=None), "has other content."),
        (
            source(a=2, b=3),
            source(a=3, b=2, sha256="b"),
            "has other content, in /a from 2 to 3 rows, in /b from 3 to 2 rows and in as many "
            "bytes.",
        ),
        (source(), source(error="No file"), "could not be read: No file."),
        (source(), source(sha256=None), "could not be compared: its checksum is not known."),
        (source(), source(), "is unchanged."),
        (
            source("/22/crowdastro.h5"),
            source("/23/crowdastro.h5"),
            "has the same content as before. It was read from /22/crowdastro.h5, and is now from "
            "/23/crowdastro.h5.",
        ),
    ],
)
def test_an_input(before, after, sentence):
    assert said(run(inputs=[before]), run(inputs=[after])) == [f"crowdastro.h5 {sentence}"]


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
