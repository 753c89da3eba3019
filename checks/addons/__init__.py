"""Addons of the cluster."""
