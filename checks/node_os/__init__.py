"""The operating system of the nodes."""
