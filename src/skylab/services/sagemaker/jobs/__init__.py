"""What every kind of job shares: its data, its hosts, its logs, and which program stands in for its image."""
