"""What the upgrade itself takes for granted: on every node, the image of the running version that runs it."""

from build import Cluster, find


def add_upgrade(cluster: Cluster) -> None:
    running = find(cluster, "settings.harvesterhci.io", "server-version")["value"]
    for node in cluster["nodes"]:
        name = f"docker.io/rancher/harvester-upgrade:{running}"
        node["status"]["images"].append({"names": [name], "sizeBytes": 420_000_000})
