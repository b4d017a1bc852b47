"""The figures of a classifier: ROC, precision and recall, calibration, scores, along a column."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from reportgen.analyses.plotting.axes import (
    DOTTED,
    Line,
    draw_histograms,
    draw_limits,
    is_left_empty,
    new_figure,
)
from reportgen.analyses.plotting.ticks import middles, set_around, set_linear
from reportgen.analyses.population import binomial_fraction
from reportgen.analyses.results import Figure, Table, TableColumn, edge_columns
from reportgen.config.columns import Column
from reportgen.reduce.binned_moments import BinnedMoments
from reportgen.reduce.histograms import HistogramCounts
from reportgen.reduce.scores import Scores, StepsInBins
from reportgen.style import CELL_SIZE, INK, MUTED, series_colour
from reportgen.wording import counted, number

LEAST_IN_BIN = 5  # objects of each class


@dataclass(frozen=True)
class Decision:
    """What a threshold makes of two classes: true and false positives of p and n objects."""

    threshold: float
    true: int
    false: int
    p: int
    n: int

    @property
    def recall(self) -> float:
        """Share of the class that is found."""
        return self.true / self.p if self.p else np.nan

    @property
    def precision(self) -> float:
        """Share of what is said to be of the class that is."""
        called = self.true + self.false
        return self.true / called if called else np.nan

    @property
    def accuracy(self) -> float:
        """Share that is told right."""
        known = self.p + self.n
        return (self.true + self.n - self.false) / known if known else np.nan

    @property
    def balanced(self) -> float:
        """Mean of the shares of both classes that are told right."""
        return (self.recall + 1 - self.false / self.n) / 2 if self.n else np.nan

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        wrong = self.false + self.p - self.true
        return 2 * self.true / (2 * self.true + wrong) if self.p else np.nan


def roc(scores: Scores, decision: Decision) -> Figure:
    """Draw the share of the class that is found against the share of the others that seem so."""
    curve, of = roc_curve(scores), TableColumn.of
    columns = [
        of("score", np.append(np.nan, scores.thinned.scores), description="and above"),
        of("false positive rate", curve.x),
        of("true positive rate", curve.y),
    ]
    drawing, axes = _square("False positive rate", "True positive rate (recall)")
    axes.plot([0, 1], [0, 1], **DOTTED)
    axes.plot(curve.x, curve.y, color=series_colour(0), drawstyle="default")
    said = _mark(axes, decision.false / decision.n, decision.recall, decision)
    return Figure.of(
        "roc",
        drawing,
        "ROC curve",
        columns,
        alt="Share of the class that is found against the share of the others that is taken for "
        f"it, at every threshold. The area below the curve is {number(scores.auc, 3)}.",
        caption=f"Receiver operating characteristic. Dotted: what chance alone gives.{said}",
    )


def roc_curve(scores: Scores) -> Line:
    """Return the shares of the others, across, and of the class above each threshold."""
    x = np.append(0.0, scores.thinned.negatives / scores.negatives)
    return Line("ROC", 0, x, np.append(0.0, scores.thinned.positives / scores.positives))


def precision_recall(
    scores: Scores, decision: Decision, limits: tuple[list[float], list[float]]
) -> Figure:
    """Draw how much of what is said to be of the class is, against how much of it is found.

    limits: of checks of the recall and of the precision.
    """
    recall = scores.thinned.positives / scores.positives
    precision = scores.thinned.positives / (scores.thinned.positives + scores.thinned.negatives)
    of = TableColumn.of
    columns = [
        of("score", scores.thinned.scores, description="and above"),
        of("recall", recall),
        of("precision", precision),
    ]
    share = scores.positives / (scores.positives + scores.negatives)
    drawing, axes = _square("Recall", "Precision")
    axes.axhline(share, **DOTTED)
    axes.plot(recall, precision, color=series_colour(0), drawstyle="steps-pre")
    said = _mark(axes, decision.recall, decision.precision, decision)
    for ends, along, of_what in zip(limits, ("x", "y"), ("recall", "precision"), strict=True):
        of_checks = f" of the checks of the {of_what}"
        said += draw_limits(axes, ends, Column(""), along, of=of_checks)  # type: ignore[arg-type]
    return Figure.of(
        "precision_recall",
        drawing,
        "Precision and recall",
        columns,
        alt="Precision against recall at every threshold. The average precision is "
        f"{number(scores.average_precision, 3)}; the share of the class is {number(share, 3)}.",
        caption=f"Dotted: the share of the class, which chance alone gives.{said}",
    )


def reliability(
    positives: BinnedMoments, negatives: BinnedMoments, error: float, score: Column
) -> Figure:
    """Draw the share of the class in bins of the score, which a probability equals."""
    n = positives.n + negatives.n
    used = n > 0
    mean = (positives.sums + negatives.sums) / np.where(used, n, np.nan)
    share, low, high = binomial_fraction(positives.n, n)
    of = TableColumn.of
    columns = [
        *edge_columns(positives.edges, "", ("score_low", "score_high")),
        of("n", n),
        of("mean score", mean),
        of("share of the class", share),
        of("low", low, description="Wilson interval of 68 %"),
        of("high", high, description="Wilson interval of 68 %"),
    ]
    drawing, axes = _square(f"Mean {score.axis}", "Share of the class")
    axes.plot([0, 1], [0, 1], **DOTTED)
    # How many there are in each bin: beside the fullest, and as numbers above.
    heights = 0.2 * n / n.max()
    axes.stairs(heights, positives.edges, fill=True, color=MUTED, alpha=0.25, linewidth=0)
    for at in np.flatnonzero(used):
        text = number(float(n[at])) if n[at] < 10_000 else f"{number(n[at] / 1000, 0)}k"
        place: Any = {"ha": "center", "transform": axes.get_xaxis_transform()}
        axes.text(
            middles(positives.edges)[at], 1.02, text, fontsize=CELL_SIZE, color=MUTED, **place
        )
    bars = np.stack([share - low, high - share])[:, used].clip(0)
    style: dict[str, Any] = {"color": series_colour(0), "linewidth": 0.9, "markersize": 4}
    axes.errorbar(mean[used], share[used], bars, marker="o", **style)
    return Figure(
        "reliability",
        drawing,
        "Reliability",
        alt=f"Share of the class against the mean score in {counted(int(used.sum()), 'bins')}. "
        f"They differ by {number(error, 3)} on average.",
        caption="Dotted: where a score is the probability that it seems. Bars: Wilson intervals of "
        "68 %. Grey, and above: objects in each bin.",
        data=Table("reliability", "Reliability", columns),
    )


def scores_of_classes(
    positives: HistogramCounts,
    negatives: HistogramCounts,
    decision: Decision,
    score: Column,
    *,
    log: bool,
) -> Figure:
    """Draw the distribution of the score in each class."""
    of, edges = TableColumn.of, positives.edges
    lines = [
        Line(name, order, edges, 100 * each.counts / max(each.n, 1))
        for name, order, each in (("of the class", 0, positives), ("others", 2, negatives))
    ]
    drawing = draw_histograms(
        lines, edges, score.axis, "Objects of each [%]", whole=positives.whole
    )
    axes, said = drawing.axes[0], ""
    low, high = axes.get_xlim()
    if axes.patches and low <= decision.threshold <= high:
        axes.axvline(decision.threshold, **DOTTED)
        said = f" Dotted: the threshold, {number(decision.threshold)}."
    columns = [
        *edge_columns(edges, score.unit, ("bin_low", "bin_high")),
        of("n_class", positives.counts),
        of("n_others", negatives.counts),
    ]
    return Figure.of(
        "scores",
        drawing,
        "Scores of both classes",
        columns,
        alt=f"Histograms of {score.title} of {counted(positives.n, 'objects')} of the class and "
        f"{counted(negatives.n, 'others')}, each in percent of its own.",
        caption=f"{score.title} of the class and of the others, each in percent of its own.{said}",
    )


def along(
    found: StepsInBins, decision: Decision, x: Column, limits: list[float], *, log: bool
) -> Figure:
    """Draw the balanced accuracy in bins of another column."""
    totals = [steps.totals for steps in found.steps]
    decisions = [
        Decision(decision.threshold, *steps.at(decision.threshold), *total)
        for steps, total in zip(found.steps, totals, strict=True)
    ]
    enough = np.array([min(total) >= LEAST_IN_BIN for total in totals])
    balanced = np.where(enough, [each.balanced for each in decisions], np.nan)
    middle, of = middles(found.edges, log=log), TableColumn.of
    columns = [
        *edge_columns(found.edges, x.unit, (f"{x.name}_low", f"{x.name}_high")),
        of("n_class", [p for p, _ in totals]),
        of("n_others", [n for _, n in totals]),
        of("balanced accuracy", balanced, digits=3),
    ]
    drawing, axes = new_figure(54, labels=(x.axis, "Balanced accuracy"))
    title, said = f"Balanced accuracy along {x.title}", ""
    shown = balanced[enough]
    if not is_left_empty(axes, middle[enough], "too few objects in each bin", log=log):
        set_around(axes.xaxis, found.edges, log=log)
        set_linear(axes.yaxis, min(0.45, float(shown.min()) - 0.03), 1.02)
        axes.axhline(0.5, **DOTTED)
        axes.plot(middle, balanced, color=series_colour(x.order), marker="o", markersize=3.5)
        said = draw_limits(axes, limits, Column("balanced"), along="y")
    span = "in no bin are there enough of both classes"
    if len(shown):
        span = f"it lies between {number(shown.min(), 2)} and {number(shown.max(), 2)}"
    return Figure.of(
        "along",
        drawing,
        title,
        columns,
        alt=f"{title}: {span}.",
        caption=f"In bins with at least {LEAST_IN_BIN} objects of each class. Dotted: what chance "
        f"alone gives.{said}",
    )


def _square(xlabel: str, ylabel: str) -> tuple[Any, Any]:
    """Return a figure whose axes are shares from 0 to 1."""
    drawing, axes = new_figure(66, labels=(xlabel, ylabel))
    set_linear(axes.xaxis, -0.02, 1.02)
    set_linear(axes.yaxis, -0.02, 1.02)
    return drawing, axes


def _mark(axes: Any, x: float, y: float, decision: Decision) -> str:
    """Mark the threshold on a curve, and return what the caption says of it."""
    if not (np.isfinite(x) and np.isfinite(y)):
        return ""
    axes.plot([x], [y], color=INK, marker="o", markersize=5, linestyle="none")
    return f" Dot: the threshold, {number(decision.threshold)}."
