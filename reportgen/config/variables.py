"""Single values of the YAML: plain ones only, with ${NAME} and ${{ matrix.NAME }} filled in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import yaml
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from reportgen.config.secrets import is_secret
from reportgen.config.suggest import unknown

Scalar = str | int | float | bool
"""A value of the matrix."""

# ${NAME}, ${NAME:-default} and ${{ matrix.NAME }}, which a default may hold; $${ stands for ${.
_EXPRESSION = r"\$\{\{[^{}]*\}\}"
_FILLED_IN = re.compile(
    r"\$\$\{"
    rf"|(?P<expression>{_EXPRESSION})"
    rf"|\$\{{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>(?:{_EXPRESSION}|[^}}])*+))?\}}"
    r"|\$\{\{?"
)
_NOT_CLOSED = "${{ is never closed: write ${{ matrix.NAME }}, or $${{ for ${{"
_OF_MATRIX = re.compile(r"matrix\.([A-Za-z_][A-Za-z0-9_-]*)")
# What neither YAML nor HTML can hold, though an escape such as "\0" can bring it in.
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")

TAG = "tag:yaml.org,2002:"
_TEXT = {f"{TAG}{kind}" for kind in ("str", "timestamp", "value", "merge")}
_NUMBERS = {f"{TAG}int", f"{TAG}float"}
PLAIN = _TEXT | _NUMBERS | {f"{TAG}null", f"{TAG}bool"}


@dataclass(frozen=True)
class Variables:
    """What may be filled in.

    environment: for ``${NAME}``. matrix: for ``${{ matrix.NAME }}``, empty where there is no
    matrix; None to leave such expressions as they are, while the matrix itself is read.
    """

    environment: Mapping[str, str]
    matrix: Mapping[str, Scalar] | None

    def fill(self, text: str) -> str:
        """Fill in a text. Raises ValueError for what is not known or not closed.

        What is filled in is not looked into again.
        """
        return _FILLED_IN.sub(self._one, text)

    def value(self, expression: str) -> Scalar:
        """Give the value of ``${{ matrix.NAME }}``. Raises ValueError."""
        if self.matrix is None:
            return expression
        said = expression[3:-2].strip()
        if not self.matrix:
            raise ValueError(
                f"there is no matrix: that ${{{{ {said} }}}} could be of; write $${{{{ for ${{{{"
            )
        name = _OF_MATRIX.fullmatch(said)
        if name is None:
            raise ValueError(unknown("name", said, (f"matrix.{key}" for key in self.matrix)))
        if name[1] not in self.matrix:
            raise ValueError(unknown("key of the matrix", name[1], self.matrix))
        return self.matrix[name[1]]

    def _one(self, match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        if match["expression"]:
            return written(self.value(match["expression"]))
        if match["name"]:
            return self._variable(match["name"], match["default"])
        if match[0] == "${":
            raise ValueError("after ${ comes a name: ${NAME} or ${NAME:-default}; write $${ for ${")
        if self.matrix is None:
            return match[0]
        raise ValueError(_NOT_CLOSED)

    def _variable(self, name: str, default: str | None) -> str:
        if is_secret(name):
            raise ValueError(
                f"{name} may hold a secret, which a report must not; variables of reportgen are "
                "read where they are needed"
            )
        if default is not None:
            default = self._default(default)
        # As in a shell, :- also covers a variable that is set but empty.
        if value := self.environment.get(name):
            return value
        if default is not None:
            return default
        if name in self.environment:
            return ""
        raise ValueError(
            f"the environment variable {name} is not set; set it or write ${{{name}:-…}}"
        )

    def _default(self, text: str) -> str:
        """Fill the matrix into a default; the environment is not looked into again."""
        return re.sub(
            rf"\$\$\{{\{{|{_EXPRESSION}|\$\{{\{{", lambda match: self._in_default(match[0]), text
        )

    def _in_default(self, found: str) -> str:
        if found == "$${{":
            return "${{"
        if found == "${{" and self.matrix is not None:
            raise ValueError(_NOT_CLOSED)
        return found if found == "${{" else written(self.value(found))


def written(value: Scalar) -> str:
    """Give a value as it stands in the YAML."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def uses_matrix(text: str) -> bool:
    """Say whether a text has ``${{ … }}`` in it; ``$${{`` is none."""
    return "${{" in re.sub(r"\$\$\{", "", text)


def scalar(node: yaml.Node, variables: Variables) -> object:
    """Give the value of a YAML scalar, variables filled in.

    A plain ``${BINS:-20}`` is a number, a quoted one a text, as if it had been typed so. A plain
    ``${{ matrix.n }}`` is what the matrix holds; a quoted one, or one with anything beside it, is
    a text. Dates and times stay text: YAML would read 03:32:28 as a number to the base of 60. Zeros
    before a number mean nothing: YAML would read -0077 as octal. Raises ValueError.
    """
    tag, text = str(node.tag), str(node.value)
    if tag not in PLAIN:
        raise ValueError(tag_problem(tag))
    if "${" in text:
        plain = tag == f"{TAG}str" and not getattr(node, "style", None)
        if plain and re.fullmatch(_EXPRESSION, text):
            return variables.value(text)
        plain = plain and not uses_matrix(text)
        text = variables.fill(text)
        if plain:
            tag = Resolver().resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    if UNPRINTABLE.search(text):
        raise ValueError("the text holds a control character")
    if tag in _TEXT or (tag in _NUMBERS and ":" in text):
        return text
    try:
        if tag == f"{TAG}int" and re.fullmatch(r"[-+]?0[0-9_]+", text):
            return int(text.replace("_", ""))
        return SafeConstructor().construct_object(yaml.ScalarNode(tag, text), deep=True)
    except (yaml.YAMLError, ValueError, LookupError):
        # LookupError: PyYAML's own, for an empty text or a word it has no truth for.
        raise ValueError(f"{shortened(text)!r} cannot be read as {tag.removeprefix(TAG)}") from None


def tag_problem(tag: str) -> str:
    """Say that a tag is not allowed."""
    return f"the tag {tag.replace(TAG, '!!')} is not allowed; write a plain value"


def shortened(text: str, most: int = 60) -> str:
    """Give the start of a long text."""
    return text if len(text) <= most else f"{text[:most]}…"
