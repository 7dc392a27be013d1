"""Listener rules: their conditions, which choose the rule of a request, and their actions."""
