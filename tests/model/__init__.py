"""The chat-log model: the real handlers under random schedules and faults, with clients that keep
the protocol's rules, and what must then be true."""
