"""API Gateway's WebSocket quotas, and when a connection has reached one.

Source: "Quotas for configuring and running a WebSocket in API Gateway", API Gateway developer
guide. None of them can be raised, but for the rate of new connections, which isn't supported here.
"""

from __future__ import annotations

FRAME_BYTES = 32 * 1024
MESSAGE_BYTES = 128 * 1024
URL_CHARACTERS = 4096
AUTHORIZER_BYTES = 8 * 1024  # of an authorizer's result
ACCESS_LOG_BYTES = 3 * 1024  # of a stage's access log template
POLICY_RESOURCE_CHARACTERS = 512  # "Output from an API Gateway Lambda authorizer"
IDLE_SECONDS = 10 * 60
LIFETIME_SECONDS = 2 * 60 * 60
INTEGRATION_SECONDS = 29  # at most, and where the integration says nothing
LEAST_INTEGRATION_SECONDS = 0.05

# Not AWS's figures, which aren't published: what one connection may hold here.
INVOCATIONS_AT_ONCE = 32
BUFFERED_BYTES = 4 * 1024 * 1024

NORMAL = 1000
GOING_AWAY = 1001
UNSUPPORTED_DATA = 1003


def seconds_left(connected: float, last_active: float, now: float) -> float:
    """Seconds until the connection has to be closed with 1001, on one clock; 0 or less: now.

    Data in either direction keeps a connection from being idle.
    """
    return min(connected + LIFETIME_SECONDS, last_active + IDLE_SECONDS) - now
