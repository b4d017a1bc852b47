"""Signals that ask to end, and how they are kept from coming at a wrong moment."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that ask to end."""


@contextmanager
def delayed_signals(note: Callable[[int], object] = int) -> Iterator[None]:
    """Let signals that ask to end, Ctrl-C and its like, take effect at the end of the block.

    note: is called with each when it comes, in the middle of whatever runs.
    """
    if current_thread() is not main_thread():
        yield
        return
    came: list[int] = []

    def delay(number: int, _frame: object) -> None:
        came.append(number)
        note(number)

    # Not a mask: it holds for one thread, and the system gives a signal to any that has none.
    before = {number: signal.getsignal(number) for number in ENDING}
    heeded = {number: was for number, was in before.items() if was is not signal.SIG_IGN}
    for number in heeded:
        signal.signal(number, delay)
    try:
        yield
    finally:
        for number, was in heeded.items():
            signal.signal(number, was)
        if came:
            signal.raise_signal(came[0])
