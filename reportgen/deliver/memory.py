"""Which runs were told of before, and how often: each is told once."""

from collections.abc import Sequence
from typing import Any

from reportgen.deliver.errors import DeliveryError
from reportgen.deliver.outbox import Channel, Outbox
from reportgen.deliver.posting import Log
from reportgen.deliver.runs import Run

_DONE = {"mail": "mailed", "webhook": "posted to the webhook"}


def not_yet_told(runs: Sequence[Run], channel: Channel, log: Log) -> tuple[Run, ...]:
    """Give the runs that were not delivered on a way yet; the log tells of the others.

    One whose record cannot be read may have been: it is left out, and the log says why.
    """
    fresh = []
    for run in runs:
        try:
            known = _known(run, channel)
        except DeliveryError as error:
            log.troubles.append(error)
            continue
        if known is None:
            fresh.append(run)
        else:
            log.told.append(
                f"{run.folder.name} was {_DONE[channel]} before, at "
                f"{known.get('at', 'an unknown time')}; --again sends it again."
            )
    return tuple(fresh)


def times_told(run: Run, channel: Channel) -> int:
    """Give how often a run was delivered on a way."""
    try:
        known = _known(run, channel)
    except DeliveryError:
        return 0
    number = known.get("number", 1) if known else 0
    return number if isinstance(number, int) else 1


def _known(run: Run, channel: Channel) -> dict[str, Any] | None:
    return Outbox(run.folder.parent).delivered(run.summary.run.id).get(channel)
