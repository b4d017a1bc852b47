"""The commands: parse, call one function, print, give the exit code."""

import gc
import os
import signal
import sys
import traceback
from threading import Timer
from typing import NoReturn

import click

from reportgen.cli import building, files, looking, mail, new, nights, runs
from reportgen.cli.common import EXIT_CODES, cli, complain, program_name
from reportgen.cli.output import open_standard_streams
from reportgen.errors import ExitCode, PublishError, ReportgenError
from reportgen.interruption import ENDING

__all__ = [
    "EXIT_CODES",
    "building",
    "cli",
    "files",
    "looking",
    "mail",
    "main",
    "new",
    "nights",
    "runs",
]

# Of allocations before garbage is looked for: most of what a command makes, it keeps. A build of
# which nothing has changed ends before.
COLLECTING = 1_000_000, 50, 50
ENVIRONMENT = {
    # There is a process for each core, and sums must not depend on how many there are.
    "OPENBLAS_NUM_THREADS": "1",
    # Pydantic would look for plugins of its own among all that is installed.
    "PYDANTIC_DISABLE_PLUGINS": "__all__",
}
"""What is said to libraries, unless the user says otherwise."""
BUG = 70  # EX_SOFTWARE of sysexits.h
RAISED_AGAIN_SECONDS = 0.05
LONGEST_CLEANING = 120  # s after a signal; what is left then, the next build removes
NO_THREAD = "can't start new thread"
"""What Python says when the system has no memory for another thread, or allows no more of them."""
LIMITS = "raise the limits of memory and processes: ulimit -v and -u, or those of the job"


def main() -> NoReturn:
    """Run the command line and exit."""
    try:
        _prepare()
        code = _attempt()
        for number in ENDING:
            if signal.getsignal(number) is _unwind:  # there is nothing left to clean up
                signal.signal(number, signal.SIG_DFL)
    except _Signalled as error:
        code = _interrupted(error)
    sys.exit(code)


def _attempt() -> int:
    """Run the command line; say what goes wrong, and return the exit code."""
    try:
        code = _run()
        gc.freeze()  # nothing that will be freed on exit need be looked through before
    except ReportgenError as error:
        complain(error)
        return error.exit_code
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.Abort:
        raise _Signalled(signal.SIGINT) from None
    except click.ClickException as error:
        error.show()
        return ExitCode.CONFIG
    except OSError as error:
        complain(PublishError(f"{error.filename or 'output'}: {error.strerror or error}"))
        return ExitCode.DELIVERY
    except Exception as error:
        return _unexpected(error)
    return code


def _unexpected(error: Exception) -> int:
    """Say what nobody foresaw; return the exit code."""
    if isinstance(error, MemoryError) or NO_THREAD in str(error):
        complain(PublishError(f"there is not enough memory: {error or 'none is left'}", LIMITS))
        return ExitCode.DELIVERY
    traceback.print_exc()
    click.echo("This is a bug of reportgen, please report it.", err=True)
    return BUG


def _run() -> int:
    try:
        code = cli.main(prog_name=program_name(), standalone_mode=False)
        sys.stdout.flush()
    except SystemExit:
        # Click's way to say that the reader of our output has gone: `reportgen schema | head`.
        return 128 + signal.SIGPIPE
    return code if isinstance(code, int) else ExitCode.OK


class _Signalled(BaseException):
    """A signal that asks to end. Its notes say what became of what was being made."""

    def __init__(self, number: int) -> None:
        self.number = number


def _unwind(number: int, _frame: object) -> None:
    """End what runs, once: a second signal must not stop that from being cleaned up."""
    for each in ENDING:
        signal.signal(each, signal.SIG_IGN)
    # It came between any two steps, perhaps just when a lock was taken, which nobody then releases.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(LONGEST_CLEANING)
    raise _Signalled(number)


def _prepare() -> None:
    """Unwind on signals as on Ctrl-C, and set up the streams and the environment."""
    for number in ENDING:
        if signal.getsignal(number) in {signal.SIG_DFL, signal.default_int_handler}:
            signal.signal(number, _unwind)  # nohup, which ignores one, has reasons
    sys.unraisablehook = _raise_again
    open_standard_streams()
    gc.set_threshold(*COLLECTING)
    if os.environ.get("SOURCE_DATE_EPOCH") == "":  # no time, which matplotlib would read as one
        del os.environ["SOURCE_DATE_EPOCH"]
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)


def _raise_again(unraisable: "sys.UnraisableHookArgs") -> None:
    """Send a signal again that came where nothing can be raised, such as a destructor."""
    error = unraisable.exc_value
    if not isinstance(error, _Signalled):
        sys.__unraisablehook__(unraisable)
        return
    signal.signal(error.number, _unwind)
    Timer(RAISED_AGAIN_SECONDS, os.kill, (os.getpid(), error.number)).start()


def _interrupted(error: _Signalled) -> int:
    """Say that the command was interrupted; return the exit code, as shells count."""
    said = "; ".join(["Interrupted", *getattr(error, "__notes__", ())])
    click.echo(f"{said}.", err=True)
    return 128 + error.number
