"""The built-in checks, one per file, found through the same entry-point group as anybody else's."""
