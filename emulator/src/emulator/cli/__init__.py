"""The command line `emulate`: its commands, their arguments, and what each prints."""
