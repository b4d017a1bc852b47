"""Prose of the YAML: text with ``{{ metrics.NAME }}`` of its section."""

from collections.abc import Mapping

from reportgen.config.suggest import unknown
from reportgen.errors import SectionError
from reportgen.record import MetricRecord
from reportgen.wording import number


class _Metrics(dict[str, object]):
    """Metrics by name; one that is not there is an error that lists those that are."""

    def __missing__(self, name: str) -> object:
        raise SectionError(f"text: {unknown('metric', name, self)}")


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
    if "{" not in text:
        return text
    from jinja2 import StrictUndefined, TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    try:
        template = environment.from_string(text)
        return template.render(metrics=_Metrics({n: _Value(m) for n, m in metrics.items()}))
    except TemplateError as error:
        raise SectionError(f"text: cannot be filled in: {error}") from None
    except SectionError:
        raise
    except Exception as error:  # whatever an expression of the text may raise
        raise SectionError(f"text: cannot be filled in: {type(error).__name__}: {error}") from None
