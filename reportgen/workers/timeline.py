"""Where the time of a build goes: its stages and the tasks of its workers, one below the other."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from time import CLOCK_BOOTTIME, clock_gettime, monotonic, process_time

import psutil

from reportgen.wording import bytes_text
from reportgen.workers.memory import own_peak

WIDTH = 40  # characters of the bars


@dataclass(frozen=True)
class Span:
    """Something that took time. begun, ended: on the clock of ``time.monotonic``.

    called: when the process was started that did it. cpu: processor seconds. memory: most bytes
    that its process had resident. is_task: of a worker.
    """

    name: str
    begun: float
    ended: float
    cpu: float | None = None
    memory: int | None = None
    called: float | None = None
    is_task: bool = False


@dataclass
class Timeline:
    """Gathers the spans of a build. started: when the command began."""

    started: float = field(default_factory=monotonic)
    spans: list[Span] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._since, self._cpu = self.started, 0.0

    def stage(self, name: str) -> None:
        """Say that a stage of the build has ended, which began when the one before it did."""
        now, cpu = monotonic(), process_time()
        self.spans.append(Span(name, self._since, now, cpu - self._cpu, own_peak()))
        self._since, self._cpu = now, cpu


def process_started() -> float:
    """Return when this process was started, on the clock of ``time.monotonic``."""
    # Both after the boot, whose own time is known to a second only.
    started = psutil.Process().create_time() - psutil.boot_time()
    return monotonic() - (clock_gettime(CLOCK_BOOTTIME) - started)


def cpu_seconds() -> float:
    """Return the processor seconds of this process and of those it started that have ended."""
    used = os.times()
    return process_time() + used.children_user + used.children_system


def timeline_text(spans: Iterable[Span], started: float) -> str:
    """Return spans as lines of text, in the order in which they began, with a bar each."""
    ordered = sorted(spans, key=lambda span: (span.begun, span.ended))
    whole = max((span.ended - started for span in ordered), default=0.0) or 1.0
    lines = [
        f"{'began':>7} {'took':>7} {'cpu':>7} {'memory':>8}  {'':{WIDTH}}  what",
        f"{'[s]':>7} {'[s]':>7} {'[s]':>7}",
    ]
    for span in ordered:
        cpu = "" if span.cpu is None else f"{span.cpu:.2f}"
        memory = "" if span.memory is None else bytes_text(span.memory)
        lines.append(
            f"{span.begun - started:7.2f} {span.ended - span.begun:7.2f} {cpu:>7} {memory:>8}  "
            f"{_bar(span, started, whole)}  {'worker: ' * span.is_task}{span.name}"
        )
    total = sum(span.cpu or 0.0 for span in ordered)
    lines += ["", f"{whole:.2f} s in all; {total:.2f} s of processors, imports of workers aside"]
    return "\n".join(lines) + "\n"


def _bar(span: Span, started: float, whole: float) -> str:
    """Draw when it ran; dots where its process was being started."""
    called = span.begun if span.called is None else min(span.called, span.begun)
    places = [called, span.begun, span.ended]
    first, middle, last = (round((place - started) / whole * WIDTH) for place in places)
    full = "█" if span.is_task else "▒"
    last = max(last, middle + 1)
    drawn = " " * first + "·" * (middle - first) + full * (last - middle)
    return f"{drawn[:WIDTH]:{WIDTH}}"
