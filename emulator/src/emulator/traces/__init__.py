"""What happened in the system, retained in a ring, and the trace of one text through it."""
