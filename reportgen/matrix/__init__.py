"""The reports of a matrix: built at the same time, with an index above them."""
