"""A renewal of the token that was rejected: only a 401 says that the sign-in is over."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest

from client.account import Account, Push, SignIn
from client.api import Api
from client.errors import ApiError, from_status
from client.requests import Tokens
from client.store.store import Store
from tests.support.rows import rows

REJECTED = rows(
    ("status", "code", "over"),
    [
        (401, "unauthorized", True),
        (401, "bad_request", False),  # not from the backend
        (403, "forbidden", False),
        (403, "bad_request", False),
        (408, "bad_request", False),
        (429, "rate_limited", False),
        (500, "internal", False),
        (503, "internal", False),
    ],
)


class Rejecting:
    """Stands for the API: `refresh` is rejected, and a sign-in is noted."""

    def __init__(self, error: ApiError) -> None:
        self._error, self.signed_in = error, 0
        self.tokens = Tokens("access", "refresh")

    async def refresh(self) -> None:
        raise self._error

    async def sign_in(self, *_: str) -> None:
        self.signed_in += 1


@REJECTED
@pytest.mark.parametrize("password", ["password", None])
def test_a_client_that_starts_signs_in_anew_after_a_401_alone(
    status: int, code: str, over: bool, password: str | None
) -> None:
    async def scenario() -> None:
        error = from_status(status, code, "not now", 30.0)
        api: Any = Rejecting(error)
        store = Store.open(":memory:", "ravi", "phone")
        account = Account("http://x", SignIn("ravi", "phone", password), Push(), store, Random(0))
        await account.api.close()
        account.api = api
        if over and password:
            assert not await account.sign_up_or_in()
        else:
            with pytest.raises(ApiError) as caught:
                await account.sign_up_or_in()
            assert caught.value.status == status
            assert (caught.value is error) is not over
        assert api.signed_in == bool(over and password)
        store.close()

    asyncio.run(scenario())


@REJECTED
def test_a_call_signs_in_anew_after_a_401_alone(status: int, code: str, over: bool) -> None:
    async def scenario() -> None:
        error = from_status(status, code, "not now", 30.0)
        rejecting = Rejecting(error)
        api = Api("http://x", Tokens(), random=Random(0), sign_in_again=rejecting.sign_in)
        api.refresh = rejecting.refresh  # type: ignore[method-assign]
        if over:
            await api._renew()
        else:
            with pytest.raises(ApiError) as caught:
                await api._renew()
            assert caught.value is error
        assert rejecting.signed_in == over
        await api.close()

    asyncio.run(scenario())
