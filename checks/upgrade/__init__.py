"""The Upgrade object, versions and settings."""
