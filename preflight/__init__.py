"""The engine of harvester-preflight: read a cluster or a file once, run the checks, answer `can I upgrade?`."""

__version__ = "0.1.0"
