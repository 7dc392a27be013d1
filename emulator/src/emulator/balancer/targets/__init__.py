"""Which target gets the next request: the groups, their health, and whose turn it is."""
