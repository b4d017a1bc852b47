"""What the numbers of a run mean beside limits, earlier nights and other runs."""
