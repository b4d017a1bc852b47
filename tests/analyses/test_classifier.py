import numpy as np
import pytest
from presenting import NAN, axes, check, figure, present, present_file, table, values_of

from reportgen.analyses.classifier import Classifier
from reportgen.errors import SectionError

RANDOM = np.random.default_rng(3)
N = 2000
TRUTH = (RANDOM.uniform(size=N) < 0.3).astype(float)
SCORE = np.clip(RANDOM.normal(0.35 + 0.3 * TRUTH, 0.15), 0.001, 0.999)
DATA = {"is_host": TRUTH, "score": SCORE, "flux": RANDOM.lognormal(1, 1, N)}
KEYS = {"label": "is_host", "score": "score"}


def classifier(data=DATA, **keys):
    return present(Classifier, data, {"flux": "mJy"}, **{**KEYS, **keys})


def test_the_numbers_of_a_threshold_are_those_of_numpy():
    values = values_of(classifier(threshold=0.6))
    called, truth = SCORE >= 0.6, TRUTH > 0
    recall, precision = called[truth].mean(), truth[called].mean()
    expected = {
        "n": N,
        "positives_percent": 100 * truth.mean(),
        "accuracy": (called == truth).mean(),
        "balanced_accuracy": (recall + 1 - called[~truth].mean()) / 2,
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / (precision + recall),
        "brier": ((SCORE - TRUTH) ** 2).mean(),
        "threshold": 0.6,
    }
    assert {name: values[name] for name in expected} == pytest.approx(expected)


def test_the_calibration_error_is_that_of_ten_bins():
    found = classifier()
    bins = np.minimum((SCORE * 10).astype(int), 9)
    error = sum(
        (bins == k).mean() * abs(SCORE[bins == k].mean() - TRUTH[bins == k].mean())
        for k in np.unique(bins)
    )
    assert values_of(found)["calibration_error"] == pytest.approx(error)
    rows = table(found, "reliability")
    assert rows["n"] == np.bincount(bins, minlength=10).tolist()


def test_figures_show_curves_thresholds_and_limits():
    checks = [{"metric": "balanced_accuracy", "min": 0.8}]
    found = classifier(against="flux", log_x=True, log_score=True, threshold="best", checks=checks)
    names = ["roc", "precision_recall", "reliability", "scores", "along"]
    assert [each.id for each in found.figures] == names
    assert axes(figure(found, "along")).get_xscale() == "log"
    assert "limit of the checks, 0.8." in figure(found, "along").caption
    assert found.notes == ["The threshold was chosen on these objects; on others it may do worse."]
    curve = table(found, "roc")
    assert (curve["true positive rate"][0], curve["true positive rate"][-1]) == (0, 1)
    area = np.trapezoid(curve["true positive rate"], curve["false positive rate"])
    assert area == pytest.approx(values_of(found)["auc"], abs=0.002)
    check(found)


def test_the_rows_that_the_score_is_most_wrong_about_are_listed():
    worst = table(classifier(worst=3), "worst")
    of_class, others = np.flatnonzero(TRUTH > 0), np.flatnonzero(TRUTH == 0)
    expected = [
        *of_class[np.argsort(SCORE[of_class])[:3]],
        *others[np.argsort(-SCORE[others])[:3]],
    ]
    assert worst["row"] == expected
    confusion = table(classifier(), "confusion")
    assert sum(confusion["taken for the class"]) == (SCORE >= 0.5).sum()


def test_a_missing_label_is_no_negative():
    data = {**DATA, "is_host": np.where(np.arange(N) % 2, NAN, TRUTH)}
    found = classifier(data)
    assert values_of(found)["n"] == N / 2
    assert found.notes == ["Without a label or a score: 1,000 rows."]
    half = {name: values[::2] for name, values in DATA.items()}
    assert values_of(found) == pytest.approx(values_of(classifier(half)))


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_of_one_class_alone_there_is_no_area_and_it_is_said(value):
    found = classifier({**DATA, "is_host": np.full(N, value)}, threshold="best", against="flux")
    values = values_of(found)
    assert np.isnan([values[name] for name in ("auc", "balanced_accuracy", "recall")]).all()
    which = "all" if value else "none"
    assert found.findings == [f"There is only one class: {which} of 2,000 objects are of it."]
    assert [each.id for each in found.figures] == ["scores"]
    check(found)


def test_scores_beyond_0_to_1_are_no_probabilities_and_may_all_be_above_the_threshold():
    found = classifier({**DATA, "score": SCORE + 3})
    assert np.isnan([values_of(found)[name] for name in ("brier", "calibration_error")]).all()
    assert found.notes == ["All scores are above the threshold, 0.5."]
    assert values_of(found)["recall"] == 1
    assert values_of(found)["auc"] == pytest.approx(values_of(classifier())["auc"])
    low = classifier({**DATA, "score": SCORE - 3})
    assert low.findings[1].endswith("no score is so high.")
    check(found)
    check(low)


def test_nothing_to_judge_is_said():
    with pytest.raises(SectionError, match="no valid value in score"):
        classifier({**DATA, "score": np.full(N, NAN)})


def test_rows_of_the_training_are_left_out_and_objects_in_both_are_told():
    training = (np.arange(N) % 4 == 0).astype(float)
    ids = 2**60 + np.where(np.arange(N) < 100, 0, np.arange(N))  # one object has 100 rows
    data = {**DATA, "training": training, "id": ids}
    found = classifier(data, training="training", object="id")
    tested = {name: values[training == 0] for name, values in DATA.items()}
    expected = {**values_of(classifier(tested)), "leak": 75}
    assert values_of(found) == pytest.approx(expected)
    assert found.findings[0].startswith("75 of 1,500 rows that are judged are of objects that the")
    none = classifier({**data, "id": 2**60 + np.arange(N)}, training="training", object="id")
    assert values_of(none)["leak"] == 0
    unknown = classifier(data, training="training", object="id", exact=False)
    assert np.isnan(values_of(unknown)["leak"])
    assert "Objects in both training and testing are not looked for" in unknown.notes[0]
    for each in (found, none, unknown):
        check(each)


def test_beyond_exact_rows_counts_stay_exact():
    one, other = (present(Classifier, DATA, exact=exact, **KEYS) for exact in (True, False))
    names = ("n", "recall", "precision", "brier", "calibration_error")
    assert [values_of(one)[name] for name in names] == [values_of(other)[name] for name in names]


@pytest.mark.parametrize(
    ("score", "auc", "precision"),
    [("Sp / rms", 0.605040452, 0.257193850), ("stell_36", 0.368397594, 0.132103963)],
)
def test_areas_of_the_atlas_sources_are_found_again(score, auc, precision):
    block = {"columns": {"score": {"expression": score}}}
    keys = {"label": "class_ == 'E'", "score": "score"}
    found = present_file(Classifier, "cdfs_real/atlas_swire_cdfs.fits", block, **keys)
    assert values_of(found)["n"] == 816
    assert values_of(found)["auc"] == pytest.approx(auc, abs=1e-9)
    assert values_of(found)["average_precision"] == pytest.approx(precision, abs=1e-9)
    check(found)


def test_the_area_of_each_group_is_that_of_its_rows_and_the_worst_is_the_lowest_of_a_minimum():
    data = {**DATA, "field": np.arange(N) % 4 + 1.0}
    data["score"] = np.where(data["field"] == 1, RANDOM.uniform(size=N), SCORE)
    data["is_host"] = np.where(data["field"] == 4, 0.0, TRUTH)
    section = classifier(
        data, by="field", expect=[1, 9], checks=[{"metric": "worst_auc", "min": 0.1}]
    )
    areas, errors = [], []
    for k in (1, 2, 3):
        score, truth = (data[name][data["field"] == k] for name in ("score", "is_host"))
        pairs = score[truth > 0][:, None] - score[truth == 0][None]
        area = ((pairs > 0) + (pairs == 0) / 2).mean()
        areas.append(area)
        # DeLong et al. 1988, of which Hanley & McNeil's is an approximation.
        v10, v01 = (pairs > 0).mean(axis=1), (pairs > 0).mean(axis=0)
        errors.append(np.sqrt(v10.var() / len(v10) + v01.var() / len(v01)))
    rows = table(section, "auc_by_group")
    assert rows["auc"] == pytest.approx(areas)
    assert rows["error"] == pytest.approx(errors, rel=0.2)
    assert values_of(section)["worst_auc"] == pytest.approx(areas[0])
    assert section.metrics["worst_auc"].label == "AUC of field 1, the lowest"
    assert "Without an AUC, as they have one class only: 1 group." in section.notes
    assert values_of(section)["groups_absent"] == 1
    assert figure(section, "auc_by_group").caption.endswith("Dashed: limit of the checks, 0.1.")
    check(section)


def test_the_best_group_is_not_the_worst_because_it_is_far_above_the_least_that_is_wanted():
    data = {**DATA, "field": np.arange(N) % 2 + 1.0}
    data["score"] = np.where(data["field"] == 1, TRUTH, SCORE)
    checks = [{"metric": "worst_auc", "min": 0.95}]
    found = values_of(classifier(data, by="field", checks=checks))["worst_auc"]
    assert found < 0.95
