"""The allocator's setting: how much freed memory a process of the emulator keeps."""

import ctypes

# Of glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_ARENA_MAX = -1, -8
_ARENAS, _FREE_BYTES = 2, 128 * 1024

ENVIRONMENT = {
    "MALLOC_ARENA_MAX": str(_ARENAS),
    "MALLOC_TRIM_THRESHOLD_": str(_FREE_BYTES),
}
"""The same for a process that is started with it (mallopt(3), "Environment variables")."""


def release_freed_memory() -> None:
    """Few threads' arenas, and what is free at their end goes back to the system.

    By default glibc makes up to eight arenas a core, of which each keeps what its threads have
    freed (mallopt(3)). The emulator's threads wait most of the time. A C library without this call
    is left as it is.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        set_option(_M_ARENA_MAX, _ARENAS)
        set_option(_M_TRIM_THRESHOLD, _FREE_BYTES)
