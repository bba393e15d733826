"""AWS's shapes for the type checker: scripts/stubs.py writes them here from botocore's models; none is kept in git."""
