"""Analyses: finished reductions in, a section of figures, tables, metrics and findings out."""
