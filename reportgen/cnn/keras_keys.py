"""The keys of a layer in a model's JSON: read with their types checked, named in errors."""

from math import isnan
from typing import Any

from reportgen.cnn.layers import Pair

LARGEST = 100_000  # filters, units, pixels; more is damage, not a layer


class Problem(Exception):  # noqa: N818 - not an error until somebody wants the layer
    """Why a layer of a known class cannot be rebuilt."""


def pair(config: dict[str, Any], *keys: str, default: Pair | None = None) -> Pair:
    """Return two whole numbers above 0, which may be written as one."""
    value = first(config, *keys)
    if value is None and default is not None:
        return default
    if isinstance(value, list) and len(value) == 2:
        return whole(value[0], keys[0]), whole(value[1], keys[0])
    both = whole(value, keys[0])
    return both, both


def whole(value: object, key: str, least: int = 1) -> int:
    """Return a whole number."""
    if type(value) is not int or not least <= value <= LARGEST:
        raise Problem(f"its {key} is {value!r}, not a number of {least} to {LARGEST}")
    return value


def flag(config: dict[str, Any], *keys: str, default: bool = True) -> bool:
    """Return true or false."""
    value = first(config, *keys, default=default)
    if not isinstance(value, bool):
        raise Problem(f"its {keys[0]} is {value!r}, not true or false")
    return value


def first(config: dict[str, Any], *keys: str, default: object = None) -> Any:
    """Return the value of the first key that is there and not null."""
    return next((config[key] for key in keys if config.get(key) is not None), default)


def number(config: dict[str, Any], *keys: str, default: float) -> float:
    """Return a number."""
    value = first(config, *keys, default=default)
    if isinstance(value, dict) and value.get("type") == "ndarray":  # as Keras 2.2 wrote some
        value = value.get("value")
    if type(value) not in (int, float) or isnan(value):
        raise Problem(f"its {keys[0]} is {value!r}, not a number")
    return float(value)


def edges(config: dict[str, Any], key: str, default: int) -> tuple[Pair, Pair]:
    """Return how many rows and columns, before and after.

    Written as one number, as two that are the same before and after, as four, as two pairs, or by
    name (``ZeroPadding2D`` of Keras 1.2).
    """
    value = first(config, key, default=default)
    if isinstance(value, dict):
        value = [value.get(f"{side}_pad", 0) for side in ("top", "bottom", "left", "right")]
    match value:
        case [[top, bottom], [left, right]] | [top, bottom, left, right]:
            found = top, bottom, left, right
        case [rows, columns]:
            found = rows, rows, columns, columns
        case _:
            found = (value,) * 4
    top, bottom, left, right = (whole(each, key, 0) for each in found)
    return (top, bottom), (left, right)
