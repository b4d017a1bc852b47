"""Types of the values of keys: names, numbers, paths, sizes, and names of what stands elsewhere."""

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)

from reportgen.config.columns import Column, Images, Model, unit_problem, unit_symbol, with_unit
from reportgen.config.expressions import Condition, Expression, parse, parse_expression
from reportgen.config.nodes import check_integer
from reportgen.config.problems import KeyPath
from reportgen.config.suggest import unknown
from reportgen.config.unit_arithmetic import factor
from reportgen.docstrings import Documented
from reportgen.remote.address import RemoteFile, is_address, path_of, remote_file
from reportgen.wording import exact

SLUG = r"^[A-Za-z0-9][A-Za-z0-9_-]*$"
LONGEST_NAME = 80  # characters
LONGEST_FILE_NAME = 255  # bytes, of the file systems that there are
LONGEST_PATH = 3500  # bytes; Linux takes 4095, and a run has paths of its own below its folder

Known = TypeVar("Known")


def schema_name(block: type) -> str:
    """Return what the JSON Schema calls a block, such as ``report_budgets``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", block.__name__.removesuffix("Block")).lower()


class Block(Documented):
    """Any block of the YAML: frozen, and no key beyond those it lists."""

    model_config = ConfigDict(
        model_title_generator=schema_name,
        frozen=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        validate_default=True,
        defer_build=True,
    )


class BlockError(ValueError):
    """What is wrong with single keys, found by a validator of the block that holds them.

    problems: messages by the path of the key within the block.
    """

    def __init__(self, problems: Mapping[KeyPath, str]) -> None:
        super().__init__("; ".join(problems.values()))
        self.problems = problems


def read_number(value: object) -> object:
    """Read a quoted number: inside { } YAML wants ${NAME} in quotes, which makes it a text."""
    if isinstance(value, str):
        for kind in (int, float):
            try:
                value = kind(value)
                break
            except ValueError:
                continue
    if isinstance(value, int):
        check_integer(value)
    return value


def _with_all_digits(value: object, check: ValidatorFunctionWrapHandler) -> float:
    """Read a number; an integer stays one, as beyond 2**53 several are the same float."""
    read = read_number(value)
    checked: float = check(read)
    return read if isinstance(read, int) else checked


Name = Annotated[str, StringConstraints(pattern=SLUG, max_length=LONGEST_NAME)]
Text = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, min_length=1)]

Number = BeforeValidator(read_number)
Count = Annotated[int, Field(strict=True, gt=0), Number]
Index = Annotated[int, Field(strict=True, ge=0), Number]
Several = Annotated[int, Field(strict=True, ge=2), Number]
Real = Annotated[float, Field(strict=True, allow_inf_nan=False), Number]
Mark = Annotated[Real, WrapValidator(_with_all_digits)]
Positive = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False), Number]
NotNegative = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False), Number]
Fraction = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False), Number]
Percent = Annotated[float, Field(strict=True, ge=0, le=100, allow_inf_nan=False), Number]


def _size(value: object) -> object:
    """Refuse what pydantic reads the beginning of only, such as 1:30, and what is no number."""
    is_text = isinstance(value, str) and re.fullmatch(r"\s*\d*\.?\d+\s*[A-Za-z]*\s*", value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (is_text or (is_number and math.isfinite(value))):  # type: ignore[arg-type]
        raise ValueError("should be a size such as 256 MB")
    return value


def _sensible(size: ByteSize) -> ByteSize:
    if not 0 < size < 2**63:
        raise ValueError("should be a size such as 256 MB, more than nothing")
    return size


Size = Annotated[
    ByteSize,
    BeforeValidator(_size, json_schema_input_type=int | str),
    AfterValidator(_sensible),
]


@dataclass(frozen=True)
class Quantity:
    """A number and its unit as astropy reads it; a number alone is in the unit it is asked for."""

    value: float
    unit: str = ""

    def __str__(self) -> str:
        return with_unit(exact(self.value), self.unit)

    def to(self, unit: str) -> float:
        """Return the number in a unit; ValueError where it measures something else."""
        try:
            return self.value * (factor(self.unit, unit) if self.unit else 1.0)
        except (ValueError, TypeError):
            wanted = f"in {unit_symbol(unit)}" if unit else "a number without a unit"
            raise ValueError(f"{self} should be {wanted}, or what measures the same") from None


_QUANTITY = re.compile(r"\s*([+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(\S.*)?")
_PERCENT = {"percent": "%"}


def _quantity(unit: str | None, example: str, *, above_zero: bool = True) -> Any:
    """Return the type of a quantity. unit: of what it must measure; None for any."""

    def read(value: object) -> object:
        found = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
        if found is not None:
            own = _PERCENT.get(found[2] or "", (found[2] or "").strip())
            if problem := unit_problem(own):
                raise ValueError(problem)
            value = Quantity(float(found[1]), own)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            value = Quantity(float(value))
        if not isinstance(value, Quantity) or not math.isfinite(value.value):
            raise ValueError(f"should be a number with its unit, such as {example}")
        if above_zero and value.value <= 0:
            raise ValueError(f"should be more than 0, such as {example}")
        if unit is not None:
            value.to(unit)
        return value

    kinds = [{"type": "string"}, {"type": "number"}]
    return BeforeValidator(read), WithJsonSchema({"anyOf": kinds, "examples": [example]})


Angle = Annotated[Quantity, *_quantity("arcsec", "5 arcsec")]
Area = Annotated[Quantity, *_quantity("deg2", "66 deg2")]
Frequency = Annotated[Quantity, *_quantity("MHz", "887.5 MHz")]
Share = Annotated[Quantity, *_quantity("%", "98 percent", above_zero=False)]
AnyQuantity = Annotated[Quantity, *_quantity(None, "5 mJy", above_zero=False)]


def resolve_path(text: object, info: ValidationInfo) -> object:
    """Return a path, relative to the folder of the YAML file."""
    if not isinstance(text, str):
        return text
    if re.match(r"[a-z][a-z0-9+.-]*://", text, re.IGNORECASE):
        raise ValueError(
            "should be a path; of addresses, files of catalogues alone are read, by "
            "https:, http: and s3:"
        )
    return absolute_path(text, (info.context or {}).get("folder", Path()))


def absolute_path(text: str, base: Path) -> Path:
    """Return a path, relative to a folder, with the home of a user filled in."""
    if not text.strip():
        raise ValueError("the path is empty")
    try:
        # Normalised but not resolved: messages name the path as the user knows it.
        path = Path(os.path.normpath(Path(base, Path(text).expanduser())))
    except RuntimeError:
        raise ValueError(f"{text!r} starts with the home of a user who is not known") from None
    check_file_names(path)
    return path


def check_file_names(path: Path) -> None:
    """Raise ValueError where a path has a name that is too long for a file system."""
    if len(os.fsencode(path)) > LONGEST_PATH:
        raise ValueError(f"the path has over {LONGEST_PATH} bytes")
    for name in path.parts:
        if len(os.fsencode(name)) > LONGEST_FILE_NAME:
            raise ValueError(f"a name in the path has over {LONGEST_FILE_NAME} bytes")


FilePath = Annotated[Path, BeforeValidator(resolve_path), WithJsonSchema({"type": "string"})]

# Between the paths of a list, which all begin as what follows does.
_SEPARATOR = re.compile(r", (?=\.{0,2}/|(?:https?|s3):/)")


def _resolve_paths(value: object, info: ValidationInfo) -> object:
    """Return a path or an address, and a list of such as one path."""
    if isinstance(value, str) and is_address(value):
        return remote_file(value)
    if not isinstance(value, list | tuple):
        return resolve_path(value, info)
    if not value or not all(isinstance(each, str) for each in value):
        raise ValueError("should be the path of a file, or a list of such")
    found = [_resolve_paths(each, info) for each in value]
    if any(isinstance(each, RemoteFile) and each.secrets for each in found):
        raise ValueError("an address with a signature must stand alone, not in a list")
    paths = [str(each) for each in found]
    for each in paths:
        if paths.count(each) > 1:
            raise ValueError(f"{each} is listed twice")
        if _SEPARATOR.search(each):
            raise ValueError(f"{each!r} has a folder whose name ends with a comma; rename it")
    begun = ("/", "../", "https:/", "http:/", "s3:/")
    return Path(", ".join(p if p.startswith(begun) else f"./{p}" for p in paths))


def listed_paths(path: Path) -> list[Path]:
    """Return the paths that one stands for, which was given as a list; else that path."""
    if isinstance(path, RemoteFile):
        return [path]
    return [path_of(each) for each in _SEPARATOR.split(str(path))]


def path_text(path: Path) -> str:
    """Return a path, or those of a list, as text."""
    return ", ".join(map(str, listed_paths(path)))


FilePaths = Annotated[
    Path,
    BeforeValidator(_resolve_paths),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]


def _look_up(kind: type[Known], noun: str, key: str, *, numbers: bool = False) -> BeforeValidator:
    """Return what checks a name, and unless it stays a text replaces it by what it stands for.

    key: where the context of the validation has what there is, by name. Without it the block of
    what there is is wrong: that is reported, not the name. numbers: whether a column of text is
    refused.
    """

    def numeric(found: object) -> object:
        if numbers and isinstance(found, Column) and found.kind == "text":
            raise ValueError(f"{found.name} holds text, where numbers are needed")
        return found

    def look_up(value: object, info: ValidationInfo) -> object:
        if isinstance(value, kind) and not isinstance(value, str):
            return numeric(value)
        if not isinstance(value, str):
            raise ValueError(f"should be the name of {noun}")
        known: Any = (info.context or {}).get(key)
        if known is None:
            return Column(value, is_known=False) if kind is Column else kind(value)  # type: ignore[call-arg]
        if value not in known:
            raise ValueError(unknown(noun.partition(" ")[2], value, known))
        return value if kind is str else numeric(known[value])

    return BeforeValidator(look_up)


def _named(noun: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "description": f"Name of {noun}."})


ColumnRef = Annotated[
    Column,
    _look_up(Column, "a column", "columns", numbers=True),
    _named("a column of the catalogue that holds numbers"),
]
AnyColumnRef = Annotated[
    Column, _look_up(Column, "a column", "columns"), _named("a column of the catalogue")
]


def _position(role: str, noun: str, *, needed: bool = True) -> BeforeValidator:
    """Return what takes the catalogue's own position where no column is named.

    Of one that is named and is not in ICRS degrees, the column that is. needed: whether a catalogue
    without a position is wrong.
    """

    def look_up(value: object, info: ValidationInfo) -> object:
        known: Any = (info.context or {}).get("columns")
        if value is not None:
            named = known.get(value) if known and isinstance(value, str) else None
            return known[named.icrs] if named is not None and named.icrs else value
        if known is None:
            return Column(role, role=role, is_known=False)
        found = [column for column in known.values() if column.role == role]
        if not (found or needed):
            return None
        if not found:
            raise ValueError(f"which column is the {noun} is not known: name it as {role}")
        return found[0]

    return BeforeValidator(look_up)


CATALOGUES_OWN: Any = None
"""Default of a key that names a position: that of the catalogue."""
RaRef = Annotated[ColumnRef, _position("ra", "right ascension")]
DecRef = Annotated[ColumnRef, _position("dec", "declination")]
RaIfAny = Annotated[ColumnRef | None, _position("ra", "right ascension", needed=False)]
DecIfAny = Annotated[ColumnRef | None, _position("dec", "declination", needed=False)]
CatalogueName = Annotated[str, _look_up(str, "a catalogue", "catalogues")]
ImagesRef = Annotated[
    Images, _look_up(Images, "an image stack", "images"), _named("a stack of images")
]
ModelRef = Annotated[Model, _look_up(Model, "a model", "models"), _named("a trained network")]
ReferenceName = Annotated[str, _look_up(str, "a reference", "references")]


def read_condition(value: object, info: ValidationInfo) -> object:
    """Return the condition of a text, for the columns that there are."""
    if isinstance(value, Condition):
        return value
    if not isinstance(value, str):
        raise ValueError("should be a selection, such as: flux_36 > 0 and stellarity < 0.9")
    known: Mapping[str, Column] | None = (info.context or {}).get("columns")
    return parse(value, known)


Selection = Annotated[
    Condition,
    BeforeValidator(read_condition),
    WithJsonSchema(
        {"type": "string", "examples": ["flux_36 > 0 and stellarity < 0.9", "valid(flux_24)"]}
    ),
]


def _formula(value: object) -> object:
    if isinstance(value, str):
        return parse_expression(value)
    if isinstance(value, Expression):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return parse_expression(repr(value))
    raise ValueError("should be an expression, such as: int_flux / peak_flux")


Formula = Annotated[
    Expression,
    BeforeValidator(_formula),
    WithJsonSchema({"type": "string", "examples": ["int_flux / peak_flux", "mag(flux_36)"]}),
]
