"""Managed charts, Fleet bundles and what hangs on them."""
