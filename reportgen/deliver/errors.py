"""What can go wrong on the way to the reader."""

from reportgen.errors import ExitCode, ReportgenError


class DeliveryError(ReportgenError):
    """A message could not be delivered, and trying again as it is would not help."""

    exit_code = ExitCode.DELIVERY


class TemporaryError(DeliveryError):
    """A message could not be delivered now; later it may be."""


class RefusedError(DeliveryError):
    """The message itself is not taken: sending it again would be refused again."""
