"""Prose of the YAML: text with ``{{ metrics.NAME }}`` of its section."""

from collections.abc import Mapping

from reportgen.config.suggest import unknown
from reportgen.config.templates import TemplateError, fill_template
from reportgen.errors import SectionError
from reportgen.record import MetricRecord
from reportgen.wording import number


class _Metrics(dict[str, object]):
    """Metrics by name; one that is not there is an error that lists those that are."""

    def __missing__(self, name: str) -> object:
        raise TemplateError(unknown("metric", name, self))


class _Value(float):
    """A number that prints itself as in the report."""

    def __new__(cls, record: MetricRecord) -> "_Value":
        value = super().__new__(cls, float("nan") if record.value is None else record.value)
        value.text = number(float(value), record.digits)
        return value

    text: str

    def __str__(self) -> str:
        return self.text


def fill_prose(text: str, metrics: Mapping[str, MetricRecord]) -> str:
    """Fill a section's prose with its metrics; SectionError says what is wrong with it."""
    values = _Metrics({name: _Value(metric) for name, metric in metrics.items()})
    try:
        return fill_template(text, {"metrics": values})
    except ValueError as error:
        raise SectionError(f"text: cannot be filled in: {error}") from None
