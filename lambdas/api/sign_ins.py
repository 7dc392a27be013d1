"""Sign-ins that ended before their tokens expired.

A sign-in is one refresh token with all access tokens made from it. Cognito writes the same id into
each of them, `origin_jti`. Revoking affects only Cognito's own checks: an access token still has a
valid signature, and with a refresh token anybody may ask Cognito directly for the next one. So the
ids of ended sign-ins are stored until their last token has expired, and every request with a token
is compared with them.

    Users  <user>  ended#<origin_jti>  expires_at
    Users  <user>  account             signed_out_at: all sign-ins from before ended;
                                       disabled_at: an operator has disabled the account;
                                       deleted_at: there is no such account any more

docs.aws.amazon.com/cognito/latest/developerguide/token-revocation.html
docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html
"""

from collections.abc import Iterable
from typing import Any

from lambdas.api.call import SignIn
from lambdas.errors import ChatError, disabled
from lambdas.tables import ACCOUNT, Item, Table, user_key


class SignIns:
    """The ended sign-ins of users."""

    def __init__(self, users: Table) -> None:
        self._users = users

    def require(self, sign_in: SignIn) -> None:
        """Raises ChatError unauthorized for a sign-in that has ended, forbidden for any sign-in of
        a disabled account."""
        items = (ACCOUNT, _ended(sign_in.id)) if sign_in.id else (ACCOUNT,)
        keys = [user_key(sign_in.user, item) for item in items]
        for item in self._users.batch_get(keys, consistent=True):
            # seconds: a sign-in in the very second of signing out is a new one
            if "disabled_at" in item:
                raise disabled()
            before = sign_in.at < item.get("signed_out_at", 0)
            if item["item"] != ACCOUNT or before or "deleted_at" in item:
                raise ChatError("unauthorized", "this sign-in has ended; sign in again")

    def end(self, user: str, id: str, until: float) -> None:
        """Ends one sign-in. Idempotent; a token without an id has none that could be ended.

        `until`, in epoch seconds: when its last token has expired.
        """
        if id:
            self._users.put(_end(user, id, until))

    def end_action(self, user: str, id: str, until: float) -> dict[str, Any]:
        """As `end`, for `transact`."""
        return self._users.put_action(_end(user, id, until))

    def ended(self, user: str, ids: Iterable[str]) -> set[str]:
        """Those of the sign-ins that have ended one by one."""
        items = self._users.batch_get([user_key(user, _ended(id)) for id in ids], consistent=True)
        return {item["item"].removeprefix(_ended("")) for item in items}

    def end_all(self, user: str, now: float) -> None:
        """Ends all sign-ins from before `now`, in epoch seconds."""
        self._users.update(
            user_key(user, ACCOUNT), "SET signed_out_at = :now", returns="NONE", now=int(now)
        )

    def disable(self, user: str, now: float) -> None:
        """Marks the account as disabled, until `enable`."""
        self._users.update(
            user_key(user, ACCOUNT), "SET disabled_at = :now", returns="NONE", now=int(now)
        )

    def enable(self, user: str) -> None:
        self._users.update(user_key(user, ACCOUNT), "REMOVE disabled_at", returns="NONE")

    def delete(self, user: str, now: float) -> None:
        """Marks the account as deleted, for good: else a user of that name would get its chats."""
        self._users.update(
            user_key(user, ACCOUNT),
            "SET deleted_at = if_not_exists(deleted_at, :now), signed_out_at = :now",
            returns="NONE",
            now=int(now),
        )

    def is_deleted(self, user: str) -> bool:
        account = self._users.get(user_key(user, ACCOUNT), consistent=True)
        return account is not None and "deleted_at" in account


def _end(user: str, id: str, until: float) -> Item:
    return {**user_key(user, _ended(id)), "expires_at": int(until)}


def _ended(id: str) -> str:
    return f"ended#{id}"
