"""What changes with every Harvester release, as data: releases.yaml, and one file a known issue in advisories/.

ci/generate/knowledge checks them and writes knowledge.json, which is what the tool reads.
"""
