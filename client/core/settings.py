"""The client's times and sizes, in seconds unless a name says otherwise."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """Defaults keep PROTOCOL's rules; tests and benchmarks may pass shorter times."""

    # In a direct chat delivered and read fold into one receipt for this moment.
    receipt_delay: float = 0.05
    # Rule 4: the time between two receipts in a chat grows with its members, up to so many.
    receipt_per_member: float = 0.1
    receipt_members: int = 50
    receipt_large_group: int = 256  # with more members, twice that time
    receipt_senders: int = 256  # the most that a receipt may name
    # Receipts that notify no sender (own messages, voids) are batched.
    quiet_receipt_delay: float = 30.0
    # Posts of neighbouring messages overtake each other; most gaps close in this time.
    gap_grace: float = 0.15
    # A gap may be an own message whose `accepted` is still under way.
    own_gap_grace: float = 0.5
    sync_timeout: float = 20.0
    sync_chats: int = 100  # the most a frame may name
    sync_backoff: float = 1.0
    sync_backoff_cap: float = 60.0
    sync_jitter: tuple[float, float] = (1.0, 1.25)  # times the server's `retry_after`
    # A handler runs for at most 6 s, so no response comes after that.
    resend_after: float = 8.0
    resend_cap: float = 120.0
    retry_after_error: float = 1.0
    # One message at a time in a chat: functions run in parallel, and the second frame might get the
    # lower seq.
    in_flight_per_chat: int = 1
    # Before the first, second and third time a sender is asked for what could not be read.
    ask_after: tuple[float, ...] = (3.0, 60.0, 3600.0)
    asked_at_once: int = 100  # ids in one such message; more are asked for in several
    # A device had no key to claim: it may be about to upload some. Doubling, up to the 10 minutes
    # in which a limit gains one.
    claim_again: float = 5.0
    claim_again_cap: float = 600.0
    claimed_at_once: int = 100  # the most that a request may name
    # What could not be fetched is asked for again after this, doubling.
    fetch_retry: float = 1.0
    fetch_retry_cap: float = 60.0
    ping_between: tuple[float, float] = (240.0, 300.0)
    pong_timeout: float = 10.0
    reconnect_between: tuple[float, float] = (3600.0, 6600.0)
    reconnect_base: float = 1.0
    reconnect_cap: float = 60.0
    # The server keeps a presence subscription for 5 minutes.
    watch_interval: float = 240.0
    typing_interval: float = 3.0
