"""Worker processes: what runs in them, what it takes, and how it fails."""
