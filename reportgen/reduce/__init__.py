"""One pass over each source: mergeable statistics, fused, with failures kept apart."""
