"""Rancher and Cluster API."""
