"""reportgen turns a YAML file and survey data into a report that a team trusts every morning."""
