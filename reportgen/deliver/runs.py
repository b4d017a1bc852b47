"""Run folders to tell of: what they record, and what they say of how they are delivered."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from reportgen.config.deliver import DeliverBlock
from reportgen.errors import ConfigError
from reportgen.summary import Summary, read_summary

HOW = "add a block deliver: to the configuration and build the report, see docs/mail.md"


@dataclass(frozen=True)
class Run:
    """A run folder and its record."""

    folder: Path
    summary: Summary


def read_runs(folders: Sequence[Path]) -> tuple[Run, ...]:
    """Give the runs in folders, each once. Raises ConfigError for what is no run."""
    distinct = dict.fromkeys(folder.resolve() for folder in folders)
    return tuple(Run(folder, read_summary(folder)) for folder in distinct)


def delivery_of(run: Run) -> DeliverBlock:
    """Give what the configuration of a run says of its delivery.

    Raises ConfigError for what this version does not understand.
    """
    try:
        return DeliverBlock.model_validate(run.summary.configuration.deliver)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            f"{run.folder}: summary.json: configuration.deliver.{where}: {first['msg']}",
            "build the report again with this version of reportgen",
        ) from None


def wanted_delivery(run: Run) -> DeliverBlock:
    """Give how a run is delivered. Raises ConfigError when it says nothing of that."""
    block = delivery_of(run)
    if block.mail is None and block.webhook is None:
        raise ConfigError(f"{run.folder}: deliver: has neither mail: nor webhook:", HOW)
    return block
