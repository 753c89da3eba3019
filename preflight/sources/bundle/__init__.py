"""Read a support bundle."""
