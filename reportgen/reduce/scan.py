"""The fused pass: every reduction of every section over one reading of the rows."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from reportgen.reduce.base import AnyReduction, Source
from reportgen.reduce.chunk import Chunk
from reportgen.reduce.kept import KeptColumns, ReadChunks
from reportgen.reduce.plan import Kept, columns_to_keep, keys_of_each

Profile = Mapping[str, Any]
Found = dict[AnyReduction, Any]


@dataclass(frozen=True)
class Failure:
    """Why a reduction has no value."""

    error: Exception


@dataclass(frozen=True)
class Job:
    """How a reduction is computed: after what it needs, and derived from its parts, if any.

    exact: from all rows at once, which are kept; or else chunk by chunk.
    """

    exact: bool
    needs: Mapping[str, AnyReduction]
    parts: tuple[AnyReduction, ...]


def memory_sharing(reductions: Iterable[AnyReduction], source: Source) -> str:
    """Say how reductions share the memory of a source: empty when all rows of all of them fit.

    If not, which of them are exact depends on all of them, and that is what it says.
    """
    wanted = dict.fromkeys(reductions)
    exact, rounded = replace(source, exact=True), replace(source, exact=False)
    _, kept, _ = _planned(list(wanted), exact, rounded)
    if kept.everything:
        return ""
    return sha256("\n".join(sorted(map(repr, wanted))).encode()).hexdigest()


def scan(
    reductions: Iterable[AnyReduction],
    source: Source,
    read_chunks: ReadChunks,
    *,
    beside: Iterable[AnyReduction] = (),
) -> dict[AnyReduction, Any]:
    """Compute reductions in one pass, after at most one profile pass that all share.

    Equal reductions are computed once, and so is what several derive their values from. All that is
    kept fits the memory of the source. Returns a value for each, or a Failure for one that raised;
    the others are not affected. Whatever read_chunks raises, such as SourceError, is passed on.
    beside: reductions that are not computed, but have their part of the memory: with all others of
    a report here, a value does not depend on which of them are known already.
    """
    exact, rounded = replace(source, exact=True), replace(source, exact=False)
    wanted = dict.fromkeys(reductions)
    planned, kept, failed = _planned(list(wanted | dict.fromkeys(beside)), exact, rounded)
    sharing = {*_needed(planned), *_in_chunks(planned)}
    rounded = replace(rounded, keys=keys_of_each(sharing, kept.left))

    jobs = {each: job for each, job in planned.items() if each in wanted}
    profile, in_chunks = _needed(jobs), _in_chunks(jobs)
    at_once = kept.everything and bool(profile)
    holding = [each for each, job in jobs.items() if job.exact]
    held = _columns([*jobs, *profile]) if at_once else _columns(holding)
    store = KeptColumns(held, source.rows)
    first = store.reading(read_chunks) if at_once else read_chunks
    second = store.again if at_once else store.reading(read_chunks)
    known = _pass(profile, rounded, first)
    profiles = {
        reduction: {name: known[need] for name, need in needs.items()}
        for reduction, needs in in_chunks.items()
        if reduction not in known
    }
    known |= _pass(profiles, rounded, second, holds=bool(holding))
    values = failed | _values(jobs, known, store, exact)
    return {each: values[each] for each in wanted}


def _planned(
    reductions: list[AnyReduction], exact: Source, rounded: Source
) -> tuple[dict[AnyReduction, Job], Kept, Found]:
    """Give how each reduction is computed, what is kept for them, and those that failed."""
    # What a reduction that holds rows needs depends on what is kept; it reads no other columns.
    needs = {
        each: {} if each.holds else _attempt(lambda each: dict(each.needs(rounded)), each)
        for each in reductions
    }
    read: Found = {
        each: mapping
        if isinstance(mapping, Failure)
        else _attempt(_columns, [each, *mapping.values()])
        for each, mapping in needs.items()
    }
    failed = {each: found for each, found in read.items() if isinstance(found, Failure)}
    kept = columns_to_keep({each: read[each] for each in reductions if each not in failed}, exact)
    jobs: dict[AnyReduction, Job] = {}
    for each in reductions:
        if each not in failed:
            whole = kept.holds_for(each)
            job = _attempt(_job, each, whole, exact if whole else rounded, needs[each])
            if isinstance(job, Failure):
                failed[each] = job
            else:
                jobs[each] = job
    return jobs, kept, failed


def _job(
    reduction: AnyReduction, exact: bool, source: Source, needs: dict[str, AnyReduction]
) -> Job:
    if reduction.holds:
        needs = dict(reduction.needs(source))
        _columns(needs.values())
    return Job(exact, needs, reduction.parts(source))


def _columns(reductions: Iterable[AnyReduction]) -> frozenset[str]:
    return frozenset().union(*(reduction.columns for reduction in reductions))


def _needed(jobs: Mapping[AnyReduction, Job]) -> dict[AnyReduction, Profile]:
    """Give what must be known before the pass; it needs nothing itself."""
    return {need: {} for job in jobs.values() for need in job.needs.values()}


def _in_chunks(jobs: Mapping[AnyReduction, Job]) -> dict[AnyReduction, Mapping[str, AnyReduction]]:
    """Give what is computed chunk by chunk, and what each of it needs."""
    found: dict[AnyReduction, Mapping[str, AnyReduction]] = {}
    for reduction, job in jobs.items():
        if not job.exact:
            found |= {part: {} for part in job.parts} if job.parts else {reduction: job.needs}
    return found


def _pass(
    profiles: Mapping[AnyReduction, Profile],
    source: Source,
    read_chunks: ReadChunks,
    *,
    holds: bool = False,
) -> Found:
    """Compute reductions in one reading; profiles: what each needs to start.

    holds: whether reading keeps columns, so that it has to be done in any case.
    """
    states: Found = {}
    failed: Found = {}

    def keep(reduction: AnyReduction, found: Any) -> None:
        if isinstance(found, Failure):
            failed[reduction] = found
            states.pop(reduction, None)
        else:
            states[reduction] = found

    for reduction, profile in profiles.items():
        keep(reduction, _started(reduction, source, profile))
    for columns in read_chunks(_columns(states)) if states or holds else ():
        chunk = Chunk(columns, len(next(iter(columns.values()))))
        for reduction in list(states):
            keep(reduction, _attempt(reduction.update, states[reduction], chunk))
        del chunk, columns  # before the next is read
    for reduction in list(states):
        keep(reduction, _attempt(reduction.finish, states[reduction]))
    return states | failed


def _values(
    jobs: Mapping[AnyReduction, Job], known: Found, store: KeptColumns, exact: Source
) -> Found:
    """Give the value of every job; known: of all that was computed chunk by chunk."""
    values: Found = {}
    # Together what rests on the same thing, which is sorted once and not kept for long.
    groups: dict[AnyReduction, list[AnyReduction]] = {}
    for reduction, job in jobs.items():
        if job.exact:
            groups.setdefault(job.parts[-1] if job.parts else reduction, []).append(reduction)
        elif job.parts:
            values[reduction] = _derived(reduction, [known[part] for part in job.parts])
        else:
            values[reduction] = known[reduction]
    for basis, members in groups.items():
        profile = {name: known[need] for name, need in jobs[members[0]].needs.items()}
        shared = _of_all_rows(basis, store, exact, {} if basis not in jobs else profile)
        for reduction in members:
            if parts := jobs[reduction].parts:
                others = [_of_all_rows(part, store, exact, {}) for part in parts[:-1]]
                values[reduction] = _derived(reduction, [*others, shared])
                del others
            else:
                values[reduction] = shared
        del shared
    return values


def _of_all_rows(
    reduction: AnyReduction, store: KeptColumns, source: Source, profile: Profile
) -> Any:
    """Compute a reduction over all rows at once."""
    state = _started(reduction, source, profile)
    if store.rows and not isinstance(state, Failure):
        state = _attempt(reduction.update, state, Chunk(store.columns, store.rows))
    return state if isinstance(state, Failure) else _attempt(reduction.finish, state)


def _started(reduction: AnyReduction, source: Source, profile: Profile) -> Any:
    failed = next((value for value in profile.values() if isinstance(value, Failure)), None)
    return failed if failed is not None else _attempt(reduction.start, source, **profile)


def _derived(reduction: AnyReduction, values: list[Any]) -> Any:
    failed = next((value for value in values if isinstance(value, Failure)), None)
    return failed if failed is not None else _attempt(reduction.derive, *values)


def _attempt(step: Callable[..., Any], /, *given: Any, **named: Any) -> Any:
    """Take a step of a reduction; give a Failure if it raises."""
    try:
        return step(*given, **named)
    except Exception as error:  # a plugin's error is its section's
        return Failure(error)
