"""Rules that a table must keep: how many rows break each, and which are the first."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from pydantic import Field, ModelWrapValidatorHandler, model_validator

from reportgen.analyses.base import Analysis, Statistics
from reportgen.analyses.quality_rules import Criterion, Rule, criteria_of
from reportgen.analyses.results import Metric, Section, Table, TableColumn
from reportgen.reduce.counts import CountRows
from reportgen.reduce.rules import Kept
from reportgen.wording import MISSING, count, counted, exact, listed, percent

NAMED = 3  # broken rules that findings name


class Quality(Analysis, name="quality"):
    """Rules that the rows of a table must keep; each is a check."""

    rules: tuple[Rule, ...] = Field(min_length=1)
    """The rules."""

    @model_validator(mode="wrap")
    @classmethod
    def _rules_are_checks(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        section = handler(value)
        made = [criterion.check for criterion in section.criteria]
        others = [check for check in section.checks if check not in made]
        return section.model_copy(update={"checks": (*others, *made)})

    @property
    def criteria(self) -> list[Criterion]:
        """What is counted, each by a name of its own."""
        return list(criteria_of(self.rules))

    def reductions(self) -> Statistics:
        """Ask for the rows that keep and break each rule."""
        counted = {f"rule {each.name}": each.statistic(self.where) for each in self.criteria}
        return {"rows": CountRows(self.where), **counted}

    def present(self, rows: int, **values: Kept | None) -> Section:
        """List the rules with the rows that keep and break them."""
        found = {each: values[f"rule {each.name}"] for each in self.criteria}
        metrics: dict[str, Metric] = {}
        for each, kept in found.items():
            name, said = each.name, each.said
            broken = np.nan if kept is None else kept.broken
            share = Metric(each.share(kept), f"{said}, broken", "%", digits=2, shown=False)
            metrics[f"{name}_broken_percent"] = share
            metrics[f"{name}_broken"] = Metric(broken, f"{said}, rows", digits=0, shown=False)
            if each.rule.apart is not None:
                pairs = np.nan if kept is None else (kept.pairs or 0)
                label = f"pairs within {each.rule.apart}"
                metrics[f"{name}_pairs"] = Metric(pairs, label, digits=0)
        unknown = [each.said for each, kept in found.items() if kept is None]
        said = f"Not judged, as the catalogue has more rows than its exact_rows: {listed(unknown)}."
        return Section(
            findings=_findings(rows, found),
            metrics=metrics,
            tables=[_table(found)],
            rows=rows,
            notes=[said] if unknown else [],
        )


def _findings(rows: int, found: Mapping[Criterion, Kept | None]) -> list[str]:
    """Say how many rules are kept, and of those that are broken the most by how many rows."""
    if not rows:
        return ["There are no rows, so that no rule could be judged."]
    shares = {each: each.share(kept) for each, kept in found.items()}
    broken = [each for each, share in shares.items() if share > each.most]
    unknown = sum(bool(np.isnan(share)) for share in shares.values())
    rules, rest = counted(len(found), "rules"), ""
    if unknown:
        rest = f"; {count(unknown)} could not be judged"
    if not broken:
        whole = "The rule is" if len(found) == 1 else f"All {rules} are"
        some = f"{count(len(found) - unknown)} of {rules} kept{rest}"
        said = some if unknown else f"{whole} kept"
        if allowed := [each for each, share in shares.items() if share > 0]:
            worst = max(allowed, key=lambda each: shares[each])
            most = percent(shares[worst] / 100)
            said += f", within the limits; {worst.said} is broken most often, in {most} of the rows"
        return [f"{said}."]
    return [
        f"{count(len(broken))} of {rules} {'is' if len(broken) == 1 else 'are'} broken{rest}.",
        *(
            _broken(each, kept)
            for each in sorted(broken, key=lambda b: (b.rule.severity, b.most - shares[b]))[:NAMED]
            if (kept := found[each]) is not None
        ),
    ]


def _broken(each: Criterion, kept: Kept) -> str:
    judged = kept.kept + kept.broken
    share = percent(kept.broken / judged)
    most = f"at most {exact(each.most)}\u00a0% may" if each.most else "none may"
    breaks = "breaks" if kept.broken == 1 else "break"
    rows = f"{'rows' if kept.broken > 1 else 'row'} {listed([str(row) for row in kept.first])}"
    first = "the first are " if kept.broken > len(kept.first) else ""
    return (
        f"{each.said}: {count(kept.broken)} of {counted(judged, 'rows')} ({share}) {breaks} it, "
        f"where {most} ({first}{rows}, counted from 0)."
    )


def _table(found: Mapping[Criterion, Kept | None]) -> Table:
    of, unknown = TableColumn.of, [kept is None for kept in found.values()]
    every = [kept or Kept(0, 0, 0) for kept in found.values()]
    shares = [each.share(kept) for each, kept in found.items()]
    verdicts = [
        "not judged" if np.isnan(share) else "kept" if share <= each.most else "broken"
        for each, share in zip(found, shares, strict=True)
    ]

    def numbers(key: str) -> Any:
        return np.ma.array([getattr(kept, key) for kept in every], mask=unknown)

    columns = [
        of("rule", [each.said for each in found]),
        of("verdict", verdicts),
        of("rows kept", numbers("kept")),
        of("rows broken", numbers("broken")),
        of("broken", shares, "%", digits=2),
        of("at most", [each.most for each in found], "%", "of the rows may break it"),
        of("without a value", numbers("missing"), description="rows that cannot be judged"),
        of(
            "first rows",
            [", ".join(map(str, kept.first)) or MISSING for kept in every],
            description="that break it, counted from 0",
        ),
    ]
    return Table("rules", "Rules and the rows that keep them", columns)
