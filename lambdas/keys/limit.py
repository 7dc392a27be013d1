"""Rate limit of one-time keys, for each claimer and device, in the Users table.

    Users  <claimer>  claims#<user>/<device>  expires_at

`expires_at` is when the bucket is full again. From then on the item means the same as no item, so
DynamoDB may remove it.
"""

import time
from collections.abc import Callable

from lambdas.keys.decisions import CLAIMS_AT_ONCE, after_a_claim
from lambdas.tables import ConditionFailed, Table, user_key
from lambdas.telemetry import logger


class ClaimLimit:
    """`clock` (epoch seconds) is an argument for tests."""

    def __init__(self, users: Table, clock: Callable[[], float] = time.time) -> None:
        self._users = users
        self._clock = clock

    def allows(self, claimer: str, address: str) -> bool:
        """Counts a one-time key of "user/device"; False if no more are allowed.

        Fails closed: if a claim cannot be counted, no one-time key is allowed.
        """
        try:
            return self._take(claimer, address, int(self._clock()))
        except Exception:
            logger.exception("could not count a claim")
            return False

    def _take(self, claimer: str, address: str, now: int) -> bool:
        """One conditional write if the bucket is full, as it nearly always is.

        Otherwise the failed write returns the item. Each further round means that another claim was
        counted meanwhile, so there are never more rounds than claims in a bucket.
        """
        found = now  # full, unless the item says otherwise
        for _ in range(CLAIMS_AT_ONCE + 2):
            after = after_a_claim(found, now)
            if after is None:
                return False
            try:
                self._users.update(
                    user_key(claimer, f"claims#{address}"),
                    "SET expires_at = :after",
                    "attribute_not_exists(expires_at) OR expires_at <= :found"
                    if found <= now
                    else "expires_at = :found",
                    after=after,
                    found=found,
                )
            except ConditionFailed as failure:
                found = failure.item["expires_at"] if failure.item else now
            else:
                return True
        raise TimeoutError("others kept claiming keys of this device for the same user")
