"""From the run folder to documents; nothing here reads data or runs an analysis."""
