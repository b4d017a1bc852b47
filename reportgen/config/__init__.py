"""Configuration: YAML text to a validated, frozen report that remembers its line numbers."""
