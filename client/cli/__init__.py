"""The chat on the command line: a full screen on a terminal, plain lines in a pipe."""
