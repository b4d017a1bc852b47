"""What earlier builds made, by all that decides what it is."""
