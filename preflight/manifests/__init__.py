"""What is applied so that the tool runs in or beside a cluster, finished: pure, settings in, Kubernetes objects out."""
