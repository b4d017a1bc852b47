"""Whether the models of configuration and record know what their keys are for.

Pydantic reads that from the docstrings below the keys, in the source: a tenth of the time of a
build of which nothing has changed, which does not need it. Whoever documents keys does.
"""

import sys

_MODELS = "reportgen.config.blocks", "reportgen.summary"
_wanted = True


def is_wanted() -> bool:
    """Whether models that are made now read their docstrings."""
    return _wanted


def leave_out() -> None:
    """Make models without their descriptions from now on; too late once there are some."""
    global _wanted  # noqa: PLW0603 - read while modules are imported, by nobody's call
    _wanted = _wanted and any(name in sys.modules for name in _MODELS)
