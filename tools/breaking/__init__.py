"""`make break`: causes a fault on the system that runs here, and waits for its alarm."""
