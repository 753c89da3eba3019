"""Read a running cluster."""
