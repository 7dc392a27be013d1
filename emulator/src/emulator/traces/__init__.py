"""Traces: what happened in the system, retained in a ring, and the way of one text through it."""
