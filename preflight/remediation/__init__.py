"""Plan and apply the repair of findings. Builds steps; the writing itself is in preflight.sources."""
