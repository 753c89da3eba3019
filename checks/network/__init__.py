"""Pods, security and networks."""
