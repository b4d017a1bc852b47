"""What earlier nights tell about this one."""

import os
from collections.abc import Mapping
from pathlib import Path

from reportgen.config.schema import OutputBlock
from reportgen.history import FILE

VARIABLE = "REPORTGEN_HISTORY"


def history_place(output: OutputBlock, environment: Mapping[str, str] = os.environ) -> str | Path:
    """Say where the history of a report is: an SQLAlchemy URL, or a file in its output folder.

    The YAML comes first, then REPORTGEN_HISTORY.
    """
    return output.history or environment.get(VARIABLE) or output.folder / FILE
