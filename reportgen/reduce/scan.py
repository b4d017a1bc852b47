"""The fused pass: every reduction of every section over one reading of the rows."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reportgen.reduce.base import Chunk, Reduction, Source

AnyReduction = Reduction[Any, Any]
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
    the others are not affected. Whatever read_chunks raises, such as SourceError, is passed on.
    """
    values: dict[AnyReduction, Any] = {}
    needs: dict[AnyReduction, dict[str, AnyReduction]] = {}
    for reduction in dict.fromkeys(reductions):
        try:
            mapping = dict(reduction.needs(source))
            _columns([reduction, *mapping.values()])
        except Exception as error:  # a plugin's error is its section's
            values[reduction] = Failure(error)
        else:
            needs[reduction] = mapping
    profile = list(dict.fromkeys(need for mapping in needs.values() for need in mapping.values()))
    columns = _columns([*profile, *needs])
    if profile and source.keeps(len(columns)):
        read_chunks = _kept(read_chunks, columns)
    known = _pass({need: {} for need in profile}, source, read_chunks)
    profiles = {
        reduction: {name: known[need] for name, need in mapping.items()}
        for reduction, mapping in needs.items()
    }
    return values | _pass(profiles, source, read_chunks)


def _columns(reductions: Iterable[AnyReduction]) -> frozenset[str]:
    return frozenset().union(*(reduction.columns for reduction in reductions))


def _kept(read_chunks: ReadChunks, columns: frozenset[str]) -> ReadChunks:
    """Read a small source once and keep it for the second pass."""
    chunks = list(read_chunks(columns))
    return lambda _: iter(chunks)


def _pass(
    profiles: Mapping[AnyReduction, Mapping[str, Any]], source: Source, read_chunks: ReadChunks
) -> dict[AnyReduction, Any]:
    """Compute reductions in one reading; profiles: what each needs to start."""
    failures: dict[AnyReduction, Failure] = {}
    states: dict[AnyReduction, Any] = {}

    def attempt(
        reduction: AnyReduction, step: Callable[..., Any], /, *given: Any, **profile: Any
    ) -> None:
        try:
            states[reduction] = step(*given, **profile)
        except Exception as error:  # a plugin's error is its section's
            failures[reduction] = Failure(error)
            states.pop(reduction, None)

    for reduction, profile in profiles.items():
        failed = next((value for value in profile.values() if isinstance(value, Failure)), None)
        if failed is not None:
            failures[reduction] = failed
        else:
            attempt(reduction, reduction.start, source, **profile)
    for columns in read_chunks(_columns(states)) if states else ():
        chunk = Chunk(columns, len(next(iter(columns.values()))))
        for reduction in list(states):
            attempt(reduction, reduction.update, states[reduction], chunk)
    for reduction in list(states):
        attempt(reduction, reduction.finish, states[reduction])
    return states | failures
