"""What is filled into values of the YAML: ${NAME} of the environment and ${{ matrix.NAME }}."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from reportgen.config.secrets import is_secret
from reportgen.config.suggest import unknown

Scalar = str | int | float | bool
"""A value of the matrix."""

LONGEST = 500  # characters of a default; looking for the end of many long ones would take minutes

# ${NAME}, ${NAME:-default} and ${{ matrix.NAME }}, which a default may hold; $${ stands for ${.
EXPRESSION = r"\$\{\{[^{}]*\}\}"
_FILLED_IN = re.compile(
    r"\$\$\{"
    rf"|(?P<expression>{EXPRESSION})"
    rf"|\$\{{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>(?:{EXPRESSION}|[^}}]){{0,{LONGEST}}}+))?\}}"
    r"|\$\{\{?"
)
_OF_MATRIX = re.compile(r"matrix\.([A-Za-z_][A-Za-z0-9_-]*)")


@dataclass(frozen=True)
class Variables:
    """What may be filled in: environment for ``${NAME}``, matrix for ``${{ matrix.NAME }}``."""

    environment: Mapping[str, str]
    matrix: Mapping[str, Scalar]

    def fill(self, text: str) -> str:
        """Fill in a text. Raises ValueError for what is not known or not closed.

        What is filled in is not looked into again.
        """
        return _FILLED_IN.sub(self._value_of_match, text)

    def unset(self, text: str) -> tuple[str, ...]:
        """Return the variables in a text that are not set, so that their defaults stand there."""
        names = (found["name"] for found in _FILLED_IN.finditer(text) if found["default"])
        return tuple(name for name in names if not self.environment.get(name))

    def value(self, expression: str) -> Scalar:
        """Return the value of ``${{ matrix.NAME }}``. Raises ValueError."""
        inside = expression[3:-2].strip()
        if not self.matrix:
            raise ValueError(
                f"there is no matrix: that ${{{{ {inside} }}}} could be of; write $${{{{ for ${{{{"
            )
        name = _OF_MATRIX.fullmatch(inside)
        if name is None:
            raise ValueError(unknown("name", inside, (f"matrix.{key}" for key in self.matrix)))
        if name[1] not in self.matrix:
            raise ValueError(unknown("key of the matrix", name[1], self.matrix))
        return self.matrix[name[1]]

    def _value_of_match(self, match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        if match["expression"]:
            return written(self.value(match["expression"]))
        if match["name"]:
            return self._variable(match["name"], match["default"])
        if match[0] == "${":
            raise ValueError(
                "after ${ comes a name: ${NAME} or ${NAME:-default}, the default of at most "
                f"{LONGEST} characters; write $${{ for ${{"
            )
        raise ValueError("${{ is never closed: write ${{ matrix.NAME }}, or $${{ for ${{")

    def _variable(self, name: str, default: str | None) -> str:
        if is_secret(name):
            raise ValueError(
                f"{name} may hold a secret, which a report must not; variables of reportgen are "
                "read where they are needed"
            )
        if default is not None:  # what is wrong with it is said whether or not it is used
            default = self.fill(default)
        # As in a shell, :- also covers a variable that is set but empty.
        value = self.environment.get(name) or default
        if value is None and name not in self.environment:
            raise ValueError(
                f"the environment variable {name} is not set; set it or write ${{{name}:-…}}"
            )
        return value or ""


def written(value: Scalar) -> str:
    """Return a value as it stands in the YAML."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def uses_matrix(text: str) -> bool:
    """Return whether a text has ``${{ … }}`` in it; ``$${{`` is none."""
    return "${{" in text.replace("$${", "")
