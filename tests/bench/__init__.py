"""Benchmarks: `tests/bench/run` measures, pytest only looks whether that still runs."""
