"""Budgets in the YAML: how long a build may take, how much memory and space it may need."""

from collections.abc import Mapping
from typing import Any, Literal, get_args

from pydantic import model_validator

from reportgen.config.types import Block, BlockError, Positive, Size, Text

Budget = Literal["html", "pdf", "seconds", "memory"]
BUDGETS: tuple[Budget, ...] = get_args(Budget)


class SectionBudgets(Block):
    """What a section may take: exceeded is a warning, or a failed check."""

    seconds: Positive | None = None
    """Most seconds to make the section of its values; the pass over the rows is not in them."""
    memory: Size | None = None
    """Most memory of the process that makes the section, such as 500 MB."""
    severity: Literal["warn", "fail"] = "warn"
    """What it means when a budget is exceeded."""
    reason: Text | None = None
    """Why there are these budgets."""
    owner: Text | None = None
    """Who answers for them."""

    @property
    def limits(self) -> Mapping[Budget, float]:
        """The budgets that are given, in seconds and bytes."""
        given = {name: getattr(self, name, None) for name in BUDGETS}
        return {name: float(limit) for name, limit in given.items() if limit is not None}

    @model_validator(mode="before")
    @classmethod
    def _documents_are_of_the_report(cls, values: Any) -> Any:
        if isinstance(values, Mapping):
            said = "is a document of the whole report: its budget stands in budgets: of the file"
            documents = {"html", "pdf"} & values.keys() - cls.model_fields.keys()
            if documents:
                raise BlockError({(key,): f"{key} {said}" for key in documents})
        return values

    @model_validator(mode="after")
    def _some_limit(self) -> "SectionBudgets":
        if not self.limits:
            known = [name for name in BUDGETS if name in type(self).model_fields]
            raise ValueError(f"nothing is limited: give one or more of {', '.join(known)}")
        return self


class ReportBudgets(SectionBudgets):
    """What the whole report may take: exceeded is a warning, or a failed check."""

    html: Size | None = None
    """Largest report.html, such as 3 MB."""
    pdf: Size | None = None
    """Largest report.pdf, such as 10 MB."""
    seconds: Positive | None = None
    """Most seconds from the start of the build until its documents are there."""
    memory: Size | None = None
    """Most memory of all processes of the build together, such as 1 GB."""
