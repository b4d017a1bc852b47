"""Imported before all else by the server of the workers, who document nothing."""

from reportgen import describing

describing.leave_out()
