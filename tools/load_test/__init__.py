"""`make load`: people write to each other faster and faster, until the system has enough."""
