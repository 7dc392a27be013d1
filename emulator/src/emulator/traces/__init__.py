"""What happened in the system, kept in a ring, and the trace of one text through it."""
