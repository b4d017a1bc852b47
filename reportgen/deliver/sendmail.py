"""Gives mail to the machine's own sendmail, which Postfix, Exim, msmtp and others come with."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field

from reportgen.config.secrets import SENDMAIL
from reportgen.deliver.errors import DeliveryError, TemporaryError
from reportgen.deliver.transport import Envelope, MessageFor, Patience, Receipt

PLACES = ("/usr/sbin", "/usr/lib", "/usr/local/sbin")
SECONDS = 120.0
ATTEMPTS, WAIT = 3, 5.0
# What sysexits.h calls EX_TEMPFAIL, EX_OSERR, EX_IOERR and EX_UNAVAILABLE's neighbour EX_CANTCREAT
# are told apart by few programs; all of them mean that the queue could not take it now.
_LATER = {71, 73, 74, 75}


@dataclass(frozen=True)
class Sendmail:
    """The program; REPORTGEN_SENDMAIL names another, as a path from the run folder must not."""

    environment: Mapping[str, str] = field(repr=False)

    def send(self, message_for: MessageFor, envelope: Envelope) -> Receipt:
        """Put a mail into the machine's queue; what becomes of it there is not known."""
        program = self.program()
        message = message_for(None).replace(b"\r\n", b"\n")  # the line ends of files
        command = [program, "-i", "-f", envelope.sender, "--", *envelope.recipients]
        Patience(ATTEMPTS, WAIT).try_again(lambda: _give(command, message))
        return Receipt(accepted=envelope.recipients)

    def program(self) -> str:
        """Find the program; DeliveryError when there is none."""
        named = self.environment.get(SENDMAIL, "")
        folders = os.pathsep.join((os.environ.get("PATH", os.defpath), *PLACES))
        found = shutil.which(named or "sendmail", path=folders)
        if found is None:
            raise DeliveryError(
                f"there is no program {named or 'sendmail'}",
                f"install Postfix or msmtp-mta, or give its path in {SENDMAIL}",
            )
        return found


def _give(command: list[str], message: bytes) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - no shell; the addresses come after --
            command, input=message, capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise TemporaryError(f"{command[0]} did not end within {SECONDS:.0f} seconds") from None
    except OSError as error:
        raise DeliveryError(f"{command[0]} cannot be run: {error.strerror}") from None
    if done.returncode:
        said = " ".join(done.stderr.decode("utf-8", "replace").split())
        kind = TemporaryError if done.returncode in _LATER else DeliveryError
        raise kind(f"{command[0]} ended with {done.returncode}: {said or 'it did not say why'}")
