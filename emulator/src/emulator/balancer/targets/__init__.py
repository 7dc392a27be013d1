"""Target groups: their targets, the health of these, and the choice for the next request."""
