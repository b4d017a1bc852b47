"""Hands mail to the machine's own sendmail, which Postfix, Exim, msmtp and others come with."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from tempfile import TemporaryFile

from reportgen.config.secrets import SENDMAIL
from reportgen.deliver.transport import (
    DeliveryError,
    MessageFor,
    Receipt,
    TemporaryError,
    one_line,
    retry,
)

FOLDERS = ("/usr/sbin", "/usr/lib", "/usr/local/sbin")  # besides those of PATH
SECONDS = 120.0
MOST_SAID = 2000  # bytes of what it says
# Of sysexits.h: EX_OSERR, EX_CANTCREAT, EX_IOERR and EX_TEMPFAIL. Few programs tell them apart; all
# mean that the queue could not take the mail now.
_TEMPORARY = {71, 73, 74, 75}


@dataclass(frozen=True)
class Sendmail:
    """The program; REPORTGEN_SENDMAIL names another, as a path from the run folder must not."""

    environment: Mapping[str, str] = field(repr=False)
    attempts: int = 3
    wait: float = 5.0

    def send(self, message_for: MessageFor, sender: str, recipients: Sequence[str]) -> Receipt:
        """Put a mail into the machine's queue; what becomes of it there is not known."""
        message = message_for(None).replace(b"\r\n", b"\n")  # the line ends of files
        command = [self._program(), "-i", "-f", sender, "--", *recipients]
        retry(lambda: _run(command, message), self.attempts, self.wait)
        return Receipt(accepted=[*recipients])

    def _program(self) -> str:
        name = self.environment.get(SENDMAIL) or "sendmail"
        path = self.environment.get("PATH", os.defpath)
        found = shutil.which(name, path=os.pathsep.join((path, *FOLDERS)))
        if found is None:
            hint = f"install Postfix or msmtp-mta, or give its path in {SENDMAIL}"
            raise DeliveryError(f"there is no program {name}", hint)
        return found


def _run(command: Sequence[str], message: bytes) -> None:
    try:
        # Files, not pipes: of one it would take a part for all, were we killed; and what it leaves
        # running would keep one open.
        with TemporaryFile() as file, TemporaryFile() as errors:
            file.write(message)
            file.seek(0)
            done = subprocess.run(  # noqa: S603 - no shell; the addresses come after --
                command,
                stdin=file,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                timeout=SECONDS,
                check=False,
            )
            errors.seek(0)
            said = one_line(errors.read(MOST_SAID).decode("utf-8", "replace"))
    except subprocess.TimeoutExpired:
        raise TemporaryError(f"{command[0]} did not end within {SECONDS:.0f} seconds") from None
    except OSError as error:
        raise DeliveryError(f"{command[0]} cannot be run: {error.strerror}") from None
    if done.returncode:
        kind = TemporaryError if done.returncode in _TEMPORARY else DeliveryError
        raise kind(f"{command[0]} ended with {done.returncode}: {said or 'it did not say why'}")
