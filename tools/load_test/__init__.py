"""`make load`: people write to each other at a growing rate, until the system can't keep up."""
