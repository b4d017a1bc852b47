"""What a build does, from a configuration to a published run."""
