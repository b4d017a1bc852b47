"""Limits, tolerances and history to verdicts."""
