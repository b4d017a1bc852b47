import numpy as np
import pytest
from presenting import NAN, analysis, check, present, present_file, table, values_of
from pydantic import ValidationError

from reportgen.analyses.quality import Quality

UNITS = {"ra": "deg", "dec": "deg", "flux": "mJy", "other": "mJy"}
DATA = {
    "id": np.array([2**61, 2**61 + 1, 2**61 + 2, 2**61 + 1]),
    "ra": np.array([0.0, 359.9999, 20.0, 361.0]),
    "dec": np.array([0.0, 0.0, 1.0, 2.0]),
    "flux": np.array([1.0, -1.0, NAN, 3.0]),
    "other": np.array([2.0, NAN, NAN, 1.0]),
    "flags": np.array([0.0, 4.0, 20.0, 16.0]),
}


def quality(*rules, data=DATA, units=UNITS, **keys):
    return present(Quality, data, units, rules=list(rules), **keys)


def refusal(*rules):
    with pytest.raises(ValidationError) as refused:
        analysis(Quality, DATA, UNITS, rules=list(rules))
    return str(refused.value)


RULES = {
    "ra_between": ({"column": "ra", "between": [0, 360]}, 1, "3"),
    "flux_above": ({"column": "flux", "above": "0 Jy"}, 1, "1"),
    "flux_below": ({"column": "flux", "below": "2000 uJy"}, 1, "3"),
    "id_unique": ({"column": "id", "unique": True}, 2, "1, 3"),
    "apart": ({"columns": ["ra", "dec"], "apart": "1 arcsec"}, 2, "0, 1"),
    "flags_bit_4": ({"column": "flags", "bits": {4: "at most 60 percent"}}, 2, "1, 2"),
    "holds_flux_other": ({"holds": "flux < other"}, 1, "3"),
    "flux_missing_with_other": ({"column": "flux", "missing_with": "other"}, 1, "1"),
}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_counts_the_rows_that_break_it_and_names_the_first(name):
    rule, broken, first = RULES[name]
    found = quality(rule)
    values = values_of(found)
    (row,) = zip(*table(found, "rules").values(), strict=True)
    assert values[f"{name}_broken"] == broken
    assert row[3] == broken
    assert row[7] == first
    assert values[f"{name}_broken_percent"] == 100 * broken / (row[2] + row[3])
    assert row[6] == 4 - row[2] - row[3]
    check(found)


def test_a_rule_is_a_check_with_its_limit_and_who_answers_for_it():
    rule = {"column": "flux", "above": 0, "at_least": "98 percent", "severity": "warn"}
    waive = {"until": "2030-01-01", "reason": "The pipeline is new"}
    rule |= {"owner": "Radio team", "reason": "Fluxes are fitted", "waive": waive}
    made = analysis(Quality, DATA, UNITS, rules=[rule, {"column": "flags", "bits": {4: 5, 16: 2}}])
    first, *bits = made.checks
    assert (first.metric, first.max, first.severity) == ("flux_above_broken_percent", 2, "warn")
    assert (first.owner, first.reason) == ("Radio team", "Fluxes are fitted")
    assert first.waive.reason == "The pipeline is new"
    assert [(c.metric, c.max) for c in bits] == [
        ("flags_bit_4_broken_percent", 5),
        ("flags_bit_16_broken_percent", 2),
    ]
    assert Quality.model_validate(made).checks == made.checks


def test_rules_that_would_share_a_name_have_numbers_and_names_can_be_given():
    rule = {"column": "ra", "between": [0, 360]}
    found = quality(rule, rule, {**rule, "name": "right-ascension"})
    names = [name for name in found.metrics if name.endswith("_percent")]
    expected = ["ra_between", "ra_between_2", "right_ascension"]
    assert names == [f"{name}_broken_percent" for name in expected]


def test_findings_say_how_many_rules_are_kept_and_where_the_others_are_broken():
    ok = {"column": "dec", "between": [-90, 90]}
    assert quality(ok).findings == ["The rule is kept."]
    assert quality(ok, ok).findings == ["All 2 rules are kept."]
    allowed = {**RULES["flux_above"][0], "at_least": "60 percent"}
    assert quality(ok, allowed).findings == [
        "All 2 rules are kept, within the limits; flux above 0\u00a0mJy is broken most often, "
        "in 33.3\u00a0% of the rows."
    ]
    found = quality(ok, RULES["flux_above"][0], RULES["id_unique"][0])
    assert found.findings == [
        "2 of 3 rules are broken.",
        "id unique: 2 of 4 rows (50.0\u00a0%) break it, where none may (rows 1 and 3, "
        "counted from 0).",
        "flux above 0\u00a0mJy: 1 of 3 rows (33.3\u00a0%) breaks it, where none may (row 1, "
        "counted from 0).",
    ]


def test_what_needs_all_rows_at_once_is_not_judged_beyond_exact_rows():
    rules = [RULES["id_unique"][0], RULES["apart"][0], {"column": "dec", "above": -90}]
    found = quality(*rules, exact=False)
    assert found.findings == ["1 of 3 rules kept; 2 could not be judged."]
    assert table(found, "rules")["verdict"] == ["not judged", "not judged", "kept"]
    assert "more rows than its exact_rows: id unique and ra and dec" in found.notes[0]
    assert np.isnan([values_of(found)[f"{n}_broken_percent"] for n in ("id_unique", "apart")]).all()
    check(found)


@pytest.mark.parametrize("rows", [0, 3])
def test_nothing_to_judge_is_said_and_is_not_kept(rows):
    data = {name: np.full(rows, NAN) for name in DATA}
    found = quality(*(rule for rule, *_ in RULES.values()), data=data)
    kept = 1 if rows else 0  # all values of both columns are missing
    verdicts = table(found, "rules")["verdict"]
    assert verdicts.count("kept") == kept
    assert verdicts.count("not judged") == len(RULES) - kept
    assert ("no rows" in found.findings[0]) == (not rows)
    check(found)


def test_only_the_selected_rows_are_judged_and_keep_their_numbers():
    found = quality(RULES["flux_below"][0], where="flags != 0")
    assert values_of(found)["flux_below_broken_percent"] == 50
    assert table(found, "rules")["first rows"] == ["3"]


def test_other_units_give_the_same_metrics():
    in_jansky = {**DATA, "flux": DATA["flux"] / 1000, "other": DATA["other"] / 1000}
    units = {**UNITS, "flux": "Jy", "other": "Jy"}
    rules = [RULES[name][0] for name in ("flux_above", "flux_below", "holds_flux_other")]
    one, other = quality(*rules), quality(*rules, data=in_jansky, units=units)
    assert values_of(one) == values_of(other)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"column": "ra"}, "give one of between, above"),
        ({"column": "ra", "above": 0, "below": 1}, "not above and below"),
        ({"column": "ra", "apart": "1 arcsec"}, "apart needs columns"),
        ({"columns": ["ra", "dec"], "above": 1}, "above needs column"),
        ({"column": "ra", "holds": "ra > 1"}, "holds takes no column"),
        ({"columns": ["flux", "dec"], "apart": "1 arcsec"}, "flux is in mJy, where ° is needed"),
        ({"column": "ra", "between": [360, 0]}, "the first end, 360, is larger than 0"),
        ({"column": "flux", "above": "1 deg"}, "should be in mJy, or what measures the same"),
        ({"column": "flux", "above": 1, "at_least": "120 percent"}, "from 0 to 100 percent"),
        ({"holds": "nothing > 1"}, "unknown column 'nothing'"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(rule, said):
    assert said in refusal(rule)


NAME = "survey/flint_SB38959_RACS_1357-18_comp.fits"
DEGREES = {"columns": {"ra": {"unit": "deg"}, "dec": {"unit": "deg"}}}


def test_close_pairs_and_flags_of_an_aegean_catalogue_are_found_again():
    rules = [
        {"columns": ["ra", "dec"], "apart": f"{n} arcsec", "name": f"within_{n}"}
        for n in (5, 10, 30, 60)
    ]
    rules.append({"column": "flags", "bits": {4: 5, 16: 2, 1: 0, 2: 0}})
    rules += [{"column": "uuid", "unique": True}, {"column": "err_int_flux", "above": 0}]
    values = values_of(present_file(Quality, NAME, DEGREES, rules=rules))
    assert [values[f"within_{n}_pairs"] for n in (5, 10, 30, 60)] == [1, 7, 1507, 4417]
    assert [values[f"flags_bit_{bit}_broken"] for bit in (4, 16, 1, 2)] == [253, 67, 34, 18]
    assert values["uuid_unique_broken"] == 0
    assert values["err_int_flux_above_broken"] == 97
