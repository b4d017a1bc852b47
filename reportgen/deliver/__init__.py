"""Tells people of a run that is there: everything it says comes from the run folder."""
