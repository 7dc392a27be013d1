"""Faults of all kinds while people write to each other: `make chaos`."""
