"""Read what somebody saved: snapshots, objects, the demo."""
