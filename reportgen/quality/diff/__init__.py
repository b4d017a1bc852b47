"""What changed between two runs: compared from their records, said for people."""
