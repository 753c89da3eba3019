"""Bundled scenarios for `--source demo`: snapshots that need no cluster and no network."""
