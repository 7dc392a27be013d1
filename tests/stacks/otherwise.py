"""dev with another value of settings that have nothing to do with each other.

The tests of each of them share its templates, as a synthesis takes a second.
"""

from dataclasses import replace

from stacks.config.environments import DEV
from stacks.config.guard_rails import Tokens

OTHERWISE = replace(
    DEV,
    architecture="x86_64",
    message_ttl_days=365,
    password_reset=True,
    tokens=Tokens(access_minutes=15, refresh_days=90),
    tracing=True,
    websocket=replace(DEV.websocket, access_logs=False),
)
