"""The commands: parse, call one function, print, give the exit code."""

import gc
import os
import signal
import sys
import traceback
from typing import NoReturn

import click

from reportgen.cli import building, files, looking, mail, nights, runs
from reportgen.cli.common import EXIT_CODES, cli, complain, program_name
from reportgen.cli.output import open_standard_streams
from reportgen.errors import ExitCode, PublishError, ReportgenError

__all__ = ["EXIT_CODES", "building", "cli", "files", "looking", "mail", "main", "nights", "runs"]

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


def main() -> NoReturn:
    """Run the command line and exit."""
    _prepare()
    try:
        code = _run()
        gc.freeze()  # nothing that will be freed on exit need be looked through before
    except ReportgenError as error:
        complain(error)
        sys.exit(error.exit_code)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        _interrupted(signal.SIGINT)
    except _Signalled as error:
        _interrupted(error.number)
    except click.ClickException as error:
        error.show()
        sys.exit(ExitCode.CONFIG)
    except OSError as error:
        complain(PublishError(f"{error.filename or 'output'}: {error.strerror or error}"))
        sys.exit(ExitCode.DELIVERY)
    except Exception:
        traceback.print_exc()
        click.echo("This is a bug of reportgen, please report it.", err=True)
        sys.exit(BUG)
    sys.exit(code)


def _run() -> int:
    try:
        code = cli.main(prog_name=program_name(), standalone_mode=False)
        sys.stdout.flush()
    except SystemExit:
        # Click's way to say that the reader of our output has gone: `reportgen schema | head`.
        return 128 + signal.SIGPIPE
    return code if isinstance(code, int) else ExitCode.OK


class _Signalled(BaseException):
    """A signal that asks to end."""

    def __init__(self, number: int, _frame: object = None) -> None:
        self.number = number


def _prepare() -> None:
    """Unwind on signals as on Ctrl-C, and set up the streams and the environment."""
    open_standard_streams()
    gc.set_threshold(*COLLECTING)
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)

    def unwind(number: int, _frame: object) -> None:
        raise _Signalled(number)

    for wish in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(wish) is signal.SIG_DFL:  # nohup has reasons
            signal.signal(wish, unwind)


def _interrupted(number: int) -> NoReturn:
    click.echo("Interrupted; a run that was not finished has been removed.", err=True)
    sys.exit(128 + number)  # as shells count
