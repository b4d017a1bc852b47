"""How good a score is at telling two classes apart."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from pydantic import model_validator

from reportgen.analyses import classifier_figures
from reportgen.analyses.base import Analysis, Statistics
from reportgen.analyses.classifier_figures import Decision
from reportgen.analyses.grouping import (
    Grouping,
    GroupsShown,
    Measure,
    show_groups,
    small_multiples,
    with_groups,
)
from reportgen.analyses.methods import BRIER, CALIBRATION, ROC_AREA, WILSON
from reportgen.analyses.phrases import bound, no_values, note_rows
from reportgen.analyses.results import Metric, Section, Table, TableColumn
from reportgen.config.columns import Column
from reportgen.config.expressions import Condition, both, compare, negated, parse
from reportgen.config.problems import shortened
from reportgen.config.types import AnyColumnRef, BlockError, ColumnRef, Index, Real, Selection
from reportgen.reduce.binned_moments import BinnedMoments, MomentsInBins
from reportgen.reduce.by_group import KEYS, ByGroup, OfGroups, Spread
from reportgen.reduce.chunk import Limits
from reportgen.reduce.counts import CountRows, Range
from reportgen.reduce.histograms import Axis, Histogram
from reportgen.reduce.moments import MeanStd, Moments
from reportgen.reduce.rules import CountShared
from reportgen.reduce.scores import (
    Extreme,
    ExtremeRows,
    JudgeScores,
    Scores,
    ScoresInBins,
    StepsInBins,
)
from reportgen.wording import count, counted, number, percent

BINS, CALIBRATION_BINS = 30, 10
AREA = Measure("auc", "error", "AUC ± its standard error (Hanley & McNeil 1982)")


class Classifier(
    Analysis, Grouping, name="classifier", methods=(ROC_AREA, BRIER, CALIBRATION, WILSON)
):
    """How good a score is at telling two classes apart: ROC, precision, recall, calibration."""

    label: Selection
    """Which rows are of the class, such as class == 'E' or a flag; a row whose label is missing is
    of neither class."""
    score: ColumnRef
    """What is higher, the surer a row is of the class; a probability where all are in 0 to 1."""
    threshold: Real | Literal["best"] = 0.5
    """Score from which a row is said to be of the class; best: with the largest balanced accuracy,
    found on these rows."""
    against: ColumnRef | None = None
    """Column along which balanced accuracy is shown."""
    log_x: bool = False
    """Logarithmic axis of that column."""
    training: Selection | None = None
    """Rows that the score was trained on, such as split == 'train': they are left out."""
    object: AnyColumnRef | None = None
    """What tells objects apart: how many that are judged are among the training rows, too."""
    log_score: bool = False
    """Logarithmic axis of the score in its histogram; 0 and less are not drawn."""
    worst: Index = 10
    """How many rows of each class to list that the score is most wrong about."""

    @model_validator(mode="after")
    def _is_another_column(self) -> "Classifier":
        if self.against is not None and self.against.name == self.score.name:
            raise BlockError({("against",): f"{self.score.name} is the score itself"})
        if self.object is not None and self.training is None:
            raise BlockError({("object",): "it needs training: which rows these are"})
        return self

    @property
    def _judged(self) -> Condition | None:
        """The rows that are not of the training."""
        return self.where if self.training is None else both(self.where, negated(self.training))

    def _class(self, label: Condition) -> Condition:
        found = both(self._judged, both(label, parse(f"valid({self.score.name})")))
        assert found is not None  # noqa: S101 - there is a label
        return found

    def reductions(self) -> Statistics:
        """Ask for the order of the scores of both classes, and what the figures show."""
        name, label = self.score.name, self.label
        positive, negative = (self._class(each) for each in (label, negated(label)))
        # Both classes: where the label is known.
        known = both(self._judged, parse(f"valid({name})"))
        tenths = Axis(name, CALIBRATION_BINS, (0.0, 1.0))
        found: dict[str, Any] = {
            "rows": CountRows(self._judged),
            "judged": JudgeScores(name, positive, negative),
            "range": Range(name, self._judged),
        }
        for kind, of, which in (
            ("positive", positive, label),
            ("negative", negative, negated(label)),
        ):
            off = f"({name} - 1) ** 2" if kind == "positive" else f"{name} ** 2"
            found |= {
                f"{kind}.off": MeanStd(off, of),
                f"{kind}.tenths": MomentsInBins(tenths, name, of),
                f"{kind}.histogram": Histogram(
                    name,
                    BINS,
                    log=self.log_score,
                    index=not self.score.unit,
                    where=known,
                    subset=which,
                ),
                f"{kind}.worst": ExtremeRows(name, self.worst, kind == "negative", of),
            }
            if not isinstance(self.threshold, str):
                found[f"{kind}.above"] = CountRows(both(of, compare(name, ">=", self.threshold)))
        if self.against is not None:
            axis = Axis(self.against.name, CALIBRATION_BINS, log=self.log_x)
            found["along"] = ScoresInBins(axis, name, positive, negative, known)
        if self.by is not None:
            found["groups"] = OfGroups(self.by.name, JudgeScores(name, positive, negative, KEYS))
        if self.object is not None and self.training is not None:
            training = both(self.where, self.training)
            assert known is not None and training is not None  # noqa: S101, PT018 - both are given
            found["leak"] = CountShared(self.object.name, known, training)
        return found

    def present(
        self,
        *,
        rows: int,
        judged: Scores,
        range: Limits,
        along: StepsInBins | None = None,
        leak: int | None = None,
        groups: ByGroup | None = None,
        **values: Any,
    ) -> Section:
        """Draw the curves and give the numbers of the threshold."""
        known = judged.positives + judged.negatives
        if not known:
            raise no_values((self.score,), rows, self._judged)
        decision = self._decision(judged, values)
        is_probability = range is not None and range[0] >= 0 and range[1] <= 1
        brier = error = np.nan
        if is_probability:
            brier = _brier(values["positive.off"], values["negative.off"])
            error = _calibration_error(values["positive.tenths"], values["negative.tenths"])
        metrics = {
            "n": Metric(known, "objects with label and score", digits=0),
            "positives_percent": Metric(100 * judged.positives / known, "of the class", "%", 1),
            "auc": Metric(judged.auc, "AUC", digits=4),
            "average_precision": Metric(judged.average_precision, "average precision", digits=4),
            "accuracy": Metric(decision.accuracy, "accuracy", digits=3, shown=False),
            "balanced_accuracy": Metric(decision.balanced, "balanced accuracy", digits=3),
            "precision": Metric(decision.precision, "precision", digits=3),
            "recall": Metric(decision.recall, "recall", digits=3),
            "f1": Metric(decision.f1, "F1", digits=3, shown=False),
            "brier": Metric(brier, "Brier score", digits=4, shown=is_probability),
            "calibration_error": Metric(error, "calibration error", digits=3, shown=is_probability),
            "threshold": Metric(decision.threshold, "threshold", self.score.unit, shown=False),
        }
        findings, notes = self._findings(judged, decision), []
        if self.object is not None:
            value = np.nan if leak is None else leak
            metrics["leak"] = Metric(value, "rows of objects in the training", digits=0)
            if leak is None:
                notes.append(note_rows("Objects in both training and testing are not looked for"))
            elif leak:
                verb = "is" if leak == 1 else "are"
                findings.insert(
                    0,
                    f"{count(leak)} of {counted(rows, 'rows')} that are judged {verb} of objects "
                    "that the score was trained on.",
                )
        figures = []
        if judged.positives and judged.negatives:
            figures += [
                classifier_figures.roc(judged, decision),
                classifier_figures.precision_recall(
                    judged, decision, (self.check_limits("recall"), self.check_limits("precision"))
                ),
            ]
            if is_probability:
                tenths = values["positive.tenths"], values["negative.tenths"]
                figures.append(classifier_figures.reliability(*tenths, error, self.score))
        histograms = values["positive.histogram"], values["negative.histogram"]
        figures.append(
            classifier_figures.scores_of_classes(
                *histograms, decision, self.score, log=self.log_score
            )
        )
        if along is not None and self.against is not None and not np.isnan(decision.threshold):
            limits = self.check_limits("balanced_accuracy")
            figures.append(
                classifier_figures.along(along, decision, self.against, limits, log=self.log_x)
            )
        worst = self._worst(values)
        section = Section(
            findings=findings,
            metrics=metrics,
            figures=figures,
            tables=[each for each in (_confusion(decision), worst) if each is not None],
            rows=known,
            notes=[*notes, *self._notes(rows, known, judged, decision, range)],
        )
        return section if groups is None else with_groups(section, self._groups(groups, judged))

    def _groups(self, groups: ByGroup, judged: Scores) -> list[GroupsShown]:
        """Return the area of each group, and its curve."""
        of = {group: each for group, each in groups.values.items() if np.isfinite(each.auc)}
        areas = {
            group: Spread(each.positives + each.negatives, each.auc, each.auc_scatter)
            for group, each in of.items()
        }
        shown = show_groups(self, ByGroup(areas, groups.missing), Column("auc", "AUC"), AREA)
        if one_class := len(groups.values) - len(of):
            said = f"Without an AUC, as they have one class only: {counted(one_class, 'groups')}."
            shown = replace(shown, notes=[*shown.notes, said])
        curves = {
            group: [classifier_figures.roc_curve(each)]
            for group, each in groups.values.items()
            if each.positives and each.negatives
        }
        whole = [classifier_figures.roc_curve(judged)] if curves else []
        rates = Column("others", "Share of the others taken for it"), Column("roc", "Recall")
        return [shown, *small_multiples(self, curves, rates, whole)]

    def _decision(self, judged: Scores, values: Mapping[str, Any]) -> Decision:
        if isinstance(self.threshold, str) and np.isnan(judged.best):
            return Decision(np.nan, 0, 0, 0, 0)
        if isinstance(self.threshold, str):
            return Decision(judged.best, *judged.at_best, judged.positives, judged.negatives)
        above = values["positive.above"], values["negative.above"]
        return Decision(self.threshold, *above, judged.positives, judged.negatives)

    def _findings(self, judged: Scores, decision: Decision) -> list[str]:
        known = judged.positives + judged.negatives
        share = percent(judged.positives / known)
        of = f"{count(judged.positives)} of {counted(known, 'objects')} ({share})"
        if not (judged.positives and judged.negatives):
            which = "none" if not judged.positives else "all"
            return [f"There is only one class: {which} of {counted(known, 'objects')} are of it."]
        findings = [
            f"{of} are of the class, {shortened(str(self.label), 60)}; one of them scores higher "
            f"than one of the others with a probability of {number(judged.auc, 3)} (AUC; chance "
            "gives 0.5)."
        ]
        threshold = self.score.quantity(number(decision.threshold))
        said = f"From {threshold} on, {percent(decision.recall)} of the class are found"
        if np.isnan(decision.precision):
            return [*findings, f"{said}: no score is so high."]
        right = percent(decision.precision)
        return [*findings, f"{said}, and {right} of what is taken for it is of it."]

    def _notes(
        self, rows: int, known: int, judged: Scores, decision: Decision, ends: Limits
    ) -> list[str]:
        notes = []
        if isinstance(self.threshold, str) and judged.positives and judged.negatives:
            notes.append("The threshold was chosen on these objects; on others it may do worse.")
        if ends is not None and (ends[0] >= decision.threshold or ends[1] < decision.threshold):
            side = "above" if ends[0] >= decision.threshold else "below"
            notes.append(f"All scores are {side} the threshold, {number(decision.threshold)}.")
        if rows > known:
            notes.append(f"Without a label or a score: {counted(rows - known, 'rows')}.")
        if judged.auc_error:
            notes.append(note_rows(f"AUC is off by at most {bound(judged.auc_error)}"))
        return notes

    def _worst(self, values: Mapping[str, Any]) -> Table | None:
        """Return the rows of each class whose scores are the furthest off."""
        found: list[Extreme] = [values["positive.worst"], values["negative.worst"]]
        rows, scores = (
            np.concatenate(each) for each in zip(*((f.rows, f.values) for f in found), strict=True)
        )
        if not len(rows):
            return None
        of = TableColumn.of
        columns = [
            of("class", np.repeat(["of the class", "other"], [len(each.rows) for each in found])),
            of("row", rows, "", "counted from 0"),
            of("score", scores, self.score.unit),
        ]
        return Table("worst", "The lowest scores of the class, the highest of the others", columns)


def _brier(positive: Moments, negative: Moments) -> float:
    """Return the mean square of what scores are off by (Brier 1950, MWR 78, 1)."""
    both = [each for each in (positive, negative) if each.n]
    return sum(each.n * each.mean for each in both) / sum(each.n for each in both)


def _calibration_error(positive: BinnedMoments, negative: BinnedMoments) -> float:
    """Return the mean distance of score and share of the class, over bins by their numbers."""
    off = np.abs(positive.sums + negative.sums - positive.n)
    return float(off.sum() / (positive.n + negative.n).sum())


def _confusion(decision: Decision) -> Table | None:
    if np.isnan(decision.threshold):
        return None
    of = TableColumn.of
    missed, right = decision.p - decision.true, decision.n - decision.false
    columns = [
        of("objects", ["of the class", "others"]),
        of("taken for the class", [decision.true, decision.false]),
        of("taken for others", [missed, right]),
    ]
    return Table("confusion", "What the threshold makes of them", columns)
