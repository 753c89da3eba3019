"""Virtual machines, their backups and KubeVirt."""
