"""Bytes of unknown origin to text, and text to JSON values; everything bounded."""
