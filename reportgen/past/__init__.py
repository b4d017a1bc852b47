"""What earlier nights tell: which histories and runs there are, and what is read from them."""

from reportgen.past.places import VARIABLE, history_place

__all__ = ["VARIABLE", "history_place"]
