"""Encryption: messages that only their devices can read, and devices known by their keys."""
