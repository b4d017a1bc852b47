"""Imported before all else by the server of the workers, which documents nothing."""

import gc

from reportgen import describing

describing.leave_out()
gc.set_threshold(0)  # what modules make, they keep; workers look for garbage of their own
