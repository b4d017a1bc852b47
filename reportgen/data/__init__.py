"""Sources: catalogues and image stacks, read in chunks."""
