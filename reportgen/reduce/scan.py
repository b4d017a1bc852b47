"""The fused pass: every reduction of every section over one reading of the rows."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from reportgen.errors import ReportgenError, SourceError
from reportgen.reduce.base import Chunk, Reduction, Source

AnyReduction = Reduction[Any, Any]
Key = TypeVar("Key")
# Gives the rows of some columns anew on every call.
ReadChunks = Callable[[frozenset[str]], Iterator[Mapping[str, Any]]]


@dataclass(frozen=True)
class Failure:
    """Why a reduction has no value."""

    error: Exception


def scan(
    reductions: Iterable[AnyReduction], source: Source, read_chunks: ReadChunks
) -> dict[AnyReduction, Any]:
    """Compute reductions in one pass, after at most one profile pass that all share.

    Equal reductions are computed once. Returns a value for each, or a Failure for one that raised;
    the others are not affected. Raises SourceError when the rows cannot be read.
    """
    wanted = list(dict.fromkeys(reductions))
    values: dict[AnyReduction, Any] = {}
    needs: dict[AnyReduction, Mapping[str, AnyReduction]] = {}
    for reduction in wanted:
        try:
            needs[reduction] = reduction.needs(source)
        except Exception as error:  # a plugin's error is its section's
            values[reduction] = Failure(error)
    profile = list(dict.fromkeys(need for mapping in needs.values() for need in mapping.values()))
    read = read_chunks
    if profile and _fits(source, [*profile, *needs]):
        read = _kept(read_chunks, _columns([*profile, *needs]))
    known = _pass(profile, {}, source, read) if profile else {}
    return values | _pass(list(needs), _profiles(needs, known), source, read)


def _profiles(
    needs: Mapping[AnyReduction, Mapping[str, AnyReduction]], known: Mapping[AnyReduction, Any]
) -> dict[AnyReduction, dict[str, Any]]:
    return {
        reduction: {name: known[need] for name, need in mapping.items()}
        for reduction, mapping in needs.items()
    }


def _columns(reductions: Iterable[AnyReduction]) -> frozenset[str]:
    return frozenset().union(*(reduction.columns for reduction in reductions))


def _fits(source: Source, reductions: Iterable[AnyReduction]) -> bool:
    return source.keeps(len(_columns(reductions)))


def _kept(read_chunks: ReadChunks, columns: frozenset[str]) -> ReadChunks:
    """Read a small source once and keep it for the second pass."""
    chunks = list(read_chunks(columns))
    return lambda _: iter(chunks)


def _pass(
    reductions: Iterable[AnyReduction],
    profiles: Mapping[AnyReduction, Mapping[str, Any]],
    source: Source,
    read_chunks: ReadChunks,
) -> dict[AnyReduction, Any]:
    failures: dict[AnyReduction, Failure] = {}
    states: dict[AnyReduction, Any] = {}

    def attempt(reduction: AnyReduction, step: Callable[[], Any]) -> Any:
        try:
            return step()
        except SourceError:
            raise
        except Exception as error:  # a plugin's error is its section's
            failures[reduction] = Failure(error)
            states.pop(reduction, None)
            return None

    for reduction in reductions:
        profile = profiles.get(reduction, {})
        failed = next((v for v in profile.values() if isinstance(v, Failure)), None)
        if failed is not None:
            failures[reduction] = failed
            continue
        states[reduction] = None
        state = attempt(reduction, lambda r=reduction, p=profile: r.start(source, **p))  # type: ignore[misc]
        if reduction in states:
            states[reduction] = state
    for columns in read_chunks(_columns(states)):
        rows = len(next(iter(columns.values())))
        chunk = Chunk(columns, rows)
        for reduction in list(states):
            state = attempt(
                reduction,
                lambda r=reduction: r.update(states[r], chunk),  # type: ignore[misc] # noqa: B023
            )
            if reduction in states:
                states[reduction] = state
    values: dict[AnyReduction, Any] = {}
    for reduction in list(states):
        value = attempt(reduction, lambda r=reduction: r.finish(states[r]))  # type: ignore[misc]
        if reduction in states:
            values[reduction] = value
    return values | failures


def first_failure(values: Iterable[Any]) -> Exception | None:
    """Give the first error among some values."""
    for value in values:
        if isinstance(value, Failure):
            return value.error
    return None


__all__ = ["AnyReduction", "Failure", "ReadChunks", "ReportgenError", "first_failure", "scan"]
