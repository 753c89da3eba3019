"""What is known of releases and of their faults: found, checked, merged, and judged on what was read.

Knowledge is data: it ships with a package of checks (`knowledge/knowledge.json` in it) or is given with --knowledge. What
is given may add and tighten; it cannot waive, remove or weaken what ships.
"""
