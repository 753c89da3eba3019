"""The JSON Schemas of reports, snapshots, configuration and journals, as package data."""
