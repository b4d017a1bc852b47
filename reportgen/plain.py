"""Imported before all else by the server of the workers, which documents nothing."""

import gc

from reportgen import describing

describing.leave_out()
gc.set_threshold(100_000, 50, 50)  # as in worker.py
