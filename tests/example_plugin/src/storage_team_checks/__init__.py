"""Checks of our storage team."""
