import string
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from unittest import mock
from urllib.parse import quote

import botocore.auth
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from lambdas import connections
from lambdas.connections import Connections, Outcome, Post, sign
from tests.support.examples import examples
from tests.support.lambdas.connection_api import GONE, HANGS, ConnectionApi

FRAME = {"type": "pong"}


@pytest.fixture
def api() -> Iterator[ConnectionApi]:
    with ConnectionApi() as one:
        yield one


@pytest.fixture
def ours(api: ConnectionApi) -> Iterator[Connections]:
    one = Connections(api.url, "us-east-1", lambda: ("local", "local", None))
    yield one
    # a thread that waits for a response would log its failure during a later test
    api.released.set()
    one._threads.shutdown()


@given(
    connection=st.text(string.ascii_letters + string.digits + "=/+-_ä@ ", min_size=1, max_size=24),
    body=st.binary(max_size=64),
    stage=st.sampled_from(["/dev", "", "/a/b"]),
    token=st.none() | st.text(string.ascii_letters + "/+=", min_size=4, max_size=40),
    when=st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)),
    method=st.sampled_from(["POST", "DELETE", "GET"]),
)
@examples(150)
def test_the_signature_is_botocores(
    connection: str, body: bytes, stage: str, token: str | None, when: datetime, method: str
) -> None:
    host = "abcdef123.execute-api.eu-west-1.amazonaws.com"
    path = f"{stage}/@connections/{quote(connection, safe='')}"
    now = when.replace(tzinfo=UTC)
    request = AWSRequest(method=method, url=f"https://{host}{path}", data=body)
    with mock.patch.object(botocore.auth, "get_current_datetime", lambda: now.replace(tzinfo=None)):
        credentials = Credentials("AKIDEXAMPLE", "secret", token)
        SigV4Auth(credentials, "execute-api", "eu-west-1").add_auth(request)
    ours = sign(
        method=method,
        host=host,
        path=path,
        body=body,
        region="eu-west-1",
        credentials=("AKIDEXAMPLE", "secret", token),
        now=now.timestamp(),
    )
    assert ours["authorization"] == request.headers["Authorization"]
    assert ours["x-amz-date"] == request.headers["X-Amz-Date"]
    assert ours.get("x-amz-security-token") == token


def test_a_signature_is_made_with_the_credentials_of_now() -> None:
    """A role's are replaced several times a day."""
    signed = [
        sign(
            method="POST",
            host="host",
            path="/",
            body=b"",
            region="us-east-1",
            credentials=("AKIDEXAMPLE", secret, None),
            now=1_800_000_000.0,
        )["authorization"]
        for secret in ("one", "two", "one")
    ]
    assert signed[0] == signed[2] != signed[1]


def test_outcomes_are_in_order_and_say_what_became_of_each(
    api: ConnectionApi, ours: Connections
) -> None:
    api.answers.update({"gone=": GONE, "broken=": 500, "too-large=": 413, "forbidden=": 403})
    api.answers["no-content="] = 204  # what AWS answers to a DELETE
    ids = ["a/b+c=", "gone=", "broken=", "ä ö=", "too-large=", "forbidden=", "no-content="]
    assert ours.post_all([Post(each, FRAME) for each in ids]) == [
        Outcome.DELIVERED,
        Outcome.GONE,
        Outcome.FAILED,
        Outcome.DELIVERED,
        Outcome.FAILED,
        Outcome.FAILED,
        Outcome.DELIVERED,
    ]
    assert api.frames("a/b+c=") == api.frames("ä ö=") == [FRAME]
    assert sum(each.connection_id == "broken=" for each in api.requests) == connections.ATTEMPTS
    assert sum(each.connection_id == "gone=" for each in api.requests) == 1


def test_each_request_names_its_agent_or_the_load_balancers_web_acl_would_block_it(
    api: ConnectionApi, ours: Connections
) -> None:
    ours.post(Post("a=", FRAME))
    ours.close("a=")
    named = [{name.lower(): it for name, it in each.headers.items()} for each in api.requests]
    assert [each["user-agent"] for each in named] == ["switchboard", "switchboard"]
    assert not any("user-agent" in each["authorization"] for each in named)


def test_nothing_to_post_is_no_call(api: ConnectionApi, ours: Connections) -> None:
    assert ours.post_all([]) == [] and api.requests == []


def test_connections_that_hang_stop_no_others(api: ConnectionApi, ours: Connections) -> None:
    ids = [f"{number}=" for number in range(100)]
    api.answers.update(dict.fromkeys(ids[:20], HANGS))
    with ThreadPoolExecutor(1) as caller:
        posting = caller.submit(ours.post_all, [Post(each, FRAME) for each in ids], 30)
        deadline = time.monotonic() + 20
        while sum(each.status == 200 for each in api.requests) < 80:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert not posting.done()
        api.released.set()
        assert posting.result() == [Outcome.FAILED] * 20 + [Outcome.DELIVERED] * 80


def test_what_has_no_answer_in_time_has_failed(api: ConnectionApi, ours: Connections) -> None:
    api.answers["hangs="] = HANGS
    assert ours.post_all([Post("hangs=", FRAME)], within=0.1) == [Outcome.FAILED]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_gateway_is_asked_again(api: ConnectionApi, ours: Connections, status: int) -> None:
    class Once(dict[str, int]):
        def get(self, name: str, default: int) -> int:  # type: ignore[override]
            return self.pop(name, default)

    api.answers = Once({"busy=": status})
    assert ours.post(Post("busy=", FRAME)) is Outcome.DELIVERED
    assert [each.status for each in api.requests] == [status, 200]


def test_a_post_that_no_thread_has_begun_in_time_is_never_sent(
    api: ConnectionApi, ours: Connections
) -> None:
    ids = [f"{number}=" for number in range(connections.THREADS)]
    api.answers.update(dict.fromkeys(ids, HANGS))
    outcomes = ours.post_all([Post(each, FRAME) for each in (*ids, "late=")], within=0.1)
    assert set(outcomes) == {Outcome.FAILED}
    api.released.set()
    ours._threads.shutdown()
    assert "late=" not in {each.connection_id for each in api.requests}


def test_a_gateway_that_is_not_there_fails_and_raises_nothing() -> None:
    nowhere = Connections("http://127.0.0.1:9/dev", "us-east-1", lambda: ("a", "b", None))
    assert nowhere.post_all([Post("a=", FRAME)]) == [Outcome.FAILED]
    assert nowhere.close("a=") is Outcome.FAILED


def test_a_kept_connection_that_the_other_side_has_closed_is_opened_again() -> None:
    with ConnectionApi() as api:
        ours = Connections(api.url, "us-east-1", lambda: ("local", "local", None))
        assert ours.post(Post("a=", FRAME)) is Outcome.DELIVERED
        socket: Any = ours._local.connection.sock
        socket.shutdown(2)
        assert ours.post(Post("a=", FRAME)) is Outcome.DELIVERED
        assert len(api.frames("a=")) == 2


def test_text_goes_out_as_it_is(api: ConnectionApi, ours: Connections) -> None:
    ours.post(Post("a=", '{"type":"pong","x":"ü"}'))
    assert api.requests[0].body == '{"type":"pong","x":"ü"}'


def test_closing_is_a_delete(api: ConnectionApi, ours: Connections) -> None:
    api.answers["gone="] = GONE
    assert ours.close("a=") is Outcome.DELIVERED and ours.close("gone=") is Outcome.GONE
    assert api.closed() == ["a=", "gone="]
