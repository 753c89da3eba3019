"""Values without a cluster: times, quantities, versions, field paths, foreign text. Imports nothing of ours."""
