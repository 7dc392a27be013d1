"""The console's page and JSON API."""

import asyncio
import re
from typing import Any

import pytest
from tests.consoles import STATE, console

from emulator.console.server import BODY_BYTES, PAGE

KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}


def run(scenario: Any) -> None:
    asyncio.run(scenario())


def test_the_state_and_commands() -> None:
    async def scenario() -> None:
        async with console() as (http, containers, _phones):
            assert (await http.get("/_local/state")).json() == {**STATE, "last_failure": None}
            response = await http.post("/_local/pools/small", json={"desired": 3})
            assert (response.status_code, response.json()) == (200, {"pool": "small", "desired": 3})
            response = await http.post("/_local/pools/lambda", json={"weight": 0})
            assert (response.status_code, response.json()) == (200, {"pool": "lambda", "weight": 0})
            for on in (False, True):
                response = await http.post("/_local/pools/small", json={"autoscaling": on})
                assert response.json() == {"pool": "small", "autoscaling": on}
            for action in ("kill", "drain", "pause", "resume"):
                response = await http.post("/_local/targets/small-1", json={"action": action})
                assert response.status_code == 200
            assert containers.commands == [
                ("small", 3),
                ("lambda", "weight 0"),
                ("small", False),
                ("small", True),
                ("small-1", "kill"),
                ("small-1", "drain"),
                ("small-1", "pause"),
                ("small-1", "resume"),
            ]

    run(scenario)


def test_without_its_token_the_console_says_only_who_has_the_port() -> None:
    """Another user of the machine reaches the port, and sends whichever Host and Origin they like."""

    async def scenario() -> None:
        async with console(token="t0k_en-") as (http, containers, _phones):
            origin = f"http://127.0.0.1:{http.base_url.port}"
            assert str(http.base_url) == f"{origin}/t0k_en-/"
            assert (await http.get("/_local/state")).json() == {**STATE, "last_failure": None}
            assert (await http.get("/")).headers["Location"] == "/t0k_en-/_local"
            for before in ("", "/t0k_en", "/t0k_en-x", "/%E2%82%AC", "//t0k_en-"):
                for path in (
                    "/",
                    "/_local",
                    "/_local/state",
                    "/_local/console.js",
                    "/_local/trace",
                ):
                    response = await http.get(f"{origin}{before}{path}")
                    assert response.status_code == 403, f"{before}{path}"
                    assert "`emulate status` prints it" in response.json()["error"]["message"]
                order = f"{origin}{before}/_local/pools/small"
                assert (await http.post(order, json={"desired": 3})).status_code == 403
            assert containers.commands == []
            assert (await http.get(f"{origin}/_local/endpoints")).status_code == 200

    run(scenario)


@pytest.mark.parametrize("path", ["/_local", "/_local/", "/_local/view/trace", "/_local/view/a/b"])
def test_a_page_links_to_what_lies_beside_it_whatever_stands_in_front(path: str) -> None:
    async def scenario() -> None:
        async with console(token="t0k") as (http, _containers, _phones):
            page = await http.get(path)
            links = re.findall(r'(?:href|src)="([^"]*_local[^"]*)"', page.text)
            assert len(links) > 5
            for link in links:
                assert (await http.get(str(page.url.join(link)))).status_code == 200, link

    run(scenario)


def test_phones_show_what_they_received_and_can_lose_the_app() -> None:
    async def scenario() -> None:
        async with console() as (http, _containers, phones):
            phones.receive("a:b/c", "fcm", {"data": {"message_id": "m1"}})
            response = await http.get("/_local/phones/a:b%2Fc")
            assert response.json() == {
                "token": "a:b/c",
                "owner": None,
                "encrypted": [],
                "pushes": [
                    {
                        "platform": "fcm",
                        "received_at": 1_800_000_000.0,
                        "message": {"data": {"message_id": "m1"}},
                    }
                ],
            }
            assert (await http.get("/_local/phones/nobody")).json()["pushes"] == []
            listed = (await http.get("/_local/phones")).json()["phones"]
            assert [(phone["token"], phone["count"]) for phone in listed] == [("a:b/c", 1)]
            await http.post("/_local/phones/a:b%2Fc", json={"action": "uninstall"})
            assert phones.uninstalled_at("a:b/c") == 1_800_000_000.0

    run(scenario)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "/_local/pools/lost", {"desired": 1}, 404, "not_found"),
        ("POST", "/_local/pools/small", {"desired": 99}, 400, "bad_request"),
        ("POST", "/_local/pools/small", {"desired": "3"}, 400, "bad_request"),
        ("POST", "/_local/pools/small", {"desired": True}, 400, "bad_request"),
        ("POST", "/_local/pools/small", {}, 400, "bad_request"),
        ("POST", "/_local/pools/small", [], 400, "bad_request"),
        ("POST", "/_local/pools/small", {"desired": 1, "weight": 1}, 400, "bad_request"),
        ("POST", "/_local/pools/small", {"desired": 1.0}, 400, "bad_request"),
        ("POST", "/_local/pools/small", {"colour": 1}, 400, "bad_request"),
        ("POST", "/_local/pools/lost", {"weight": 1}, 404, "not_found"),
        ("POST", "/_local/pools/lost", {"autoscaling": True}, 404, "not_found"),
        ("POST", "/_local/pools/small", {"autoscaling": 1}, 400, "bad_request"),
        ("POST", "/_local/pools/small", {"weight": 1000}, 400, "bad_request"),
        ("POST", "/_local/pools/small", {"weight": -1}, 400, "bad_request"),
        ("POST", "/_local/pools/small", {"weight": "5"}, 400, "bad_request"),
        ("POST", "/_local/pools/small", {"weight": False}, 400, "bad_request"),
        ("POST", "/_local/pools/small", {"weight": None}, 400, "bad_request"),
        ("POST", "/_local/load", {"requests": 0}, 400, "bad_request"),
        ("POST", "/_local/load", {"concurency": 5}, 400, "bad_request"),
        ("POST", "/_local/load", {"through": "nlb"}, 400, "bad_request"),
        ("POST", "/_local/load", [], 400, "bad_request"),
        ("POST", "/_local/load/twice", {}, 405, "method_not_allowed"),
        ("GET", "/_local/load", None, 405, "method_not_allowed"),
        ("POST", "/_local/targets/small-1", {}, 400, "bad_request"),
        ("POST", "/_local/targets/lost", {"action": "kill"}, 404, "not_found"),
        ("POST", "/_local/targets/small-1", {"action": "dance"}, 400, "bad_request"),
        ("POST", "/_local/targets/small-1", {"action": 1}, 400, "bad_request"),
        ("POST", "/_local/targets/small-1", {"action": "kill", "at": 1}, 400, "bad_request"),
        ("POST", "/_local/phones/x", {"action": "sing"}, 400, "bad_request"),
        ("GET", "/_local/nothing", None, 404, "not_found"),
        ("GET", "/elsewhere", None, 404, "not_found"),
        ("GET", "/_local/..%2Fserver.py", None, 404, "not_found"),
        ("GET", "/_local/server.py", None, 404, "not_found"),
        ("DELETE", "/_local/state", None, 405, "method_not_allowed"),
        ("GET", "/_local/pools/small", None, 405, "method_not_allowed"),
    ],
)
def test_errors_have_one_shape(method: str, path: Any, body: Any, status: int, code: int) -> None:
    async def scenario() -> None:
        async with console() as (http, containers, _phones):
            response = await http.request(method, path, json=body)
            error = response.json()["error"]
            assert (response.status_code, error["code"]) == (status, code)
            assert error.keys() == {"code", "message"}
            assert error["message"]
            assert containers.commands == []

    run(scenario)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "rebound.example"},
        {"Host": "rebound.example:80"},
        {"Host": ""},
        {"Host": "127.0.0.1.example"},
        {"Host": "[::1"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
    ],
)
def test_other_hosts_and_origins_are_rejected(headers: Any) -> None:
    async def scenario() -> None:
        async with console() as (http, containers, _phones):
            for method, path, body in (
                ("GET", "/_local/state", None),
                ("GET", "/_local", None),
                ("POST", "/_local/pools/small", {"desired": 1}),
            ):
                response = await http.request(method, path, json=body, headers=headers)
                assert (response.status_code, response.json()["error"]["code"]) == (
                    403,
                    "forbidden",
                )
            assert containers.commands == []

    run(scenario)


def test_a_form_of_another_page_cannot_send_commands() -> None:
    async def scenario() -> None:
        async with console() as (http, containers, _phones):
            for headers in ({}, {"Content-Type": "text/plain"}):
                response = await http.post(
                    "/_local/pools/small", content=b'{"desired": 0}', headers=headers
                )
                assert response.status_code == 400
            assert (await http.post("/_local/pools/small", content=b"{")).status_code == 400
            assert containers.commands == []

    run(scenario)


def test_a_body_that_comes_in_two_pieces_is_read_whole() -> None:
    async def scenario() -> None:
        async with console() as (http, containers, _phones):
            reader, writer = await asyncio.open_connection("127.0.0.1", http.base_url.port)
            body = b'{"desired": 3}'
            writer.write(
                b"POST /_local/pools/small HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
                b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
            )
            writer.write(body[:5])
            await writer.drain()
            # a response to another request: the first piece has long been read by then
            assert (await http.get("/_local/state")).status_code == 200
            writer.write(body[5:])
            response = await reader.read()
            writer.close()
            assert response.startswith(b"HTTP/1.1 200 ")
            assert containers.commands == [("small", 3)]

    run(scenario)


@pytest.mark.parametrize(("length", "status"), [(BODY_BYTES, 200), (BODY_BYTES + 1, 400)])
def test_a_body_has_a_longest_length(length: int, status: int) -> None:
    async def scenario() -> None:
        async with console() as (http, containers, _phones):
            response = await http.post(
                "/_local/pools/small",
                content=b'{"desired": 3}'.ljust(length),
                headers={"Content-Type": "application/json"},
            )
            assert response.status_code == status
            assert len(containers.commands) == (status == 200)

    run(scenario)


def test_localhost_is_an_own_name_and_the_own_origin_may_send_commands() -> None:
    async def scenario() -> None:
        async with console() as (http, containers, _phones):
            port = http.base_url.port
            response = await http.post(
                "/_local/pools/small",
                json={"desired": 1},
                headers={"Host": f"localhost:{port}", "Origin": f"http://localhost:{port}"},
            )
            assert response.status_code == 200
            assert containers.commands == [("small", 1)]

    run(scenario)


def test_the_page_is_whole_and_asks_nothing_of_other_hosts() -> None:
    async def scenario() -> None:
        async with console() as (http, _containers, _phones):
            assert (await http.get("/")).headers["Location"] == "/_local"
            page = await http.get("/_local")
            assert page.headers["Content-Type"] == "text/html; charset=utf-8"
            assert "default-src 'none'" in page.headers["Content-Security-Policy"]
            assert "unsafe" not in page.headers["Content-Security-Policy"]
            texts = [page.text]
            for file in PAGE.iterdir():
                response = await http.get(f"/_local/{file.name}")
                assert response.headers["Content-Type"] == f"{KINDS[file.suffix]}; charset=utf-8"
                texts.append(response.text)
            wanted = {
                name
                for text in texts
                for name in re.findall(r"/_local/([a-z]+\.[a-z]+)|from \"\./(.*?)\"", text)
            }
            assert {one or other for one, other in wanted} | {"index.html", "view.html"} == {
                file.name for file in PAGE.iterdir()
            }
            names = "http://www.w3.org/2000/svg"  # a namespace, not an address
            assert all("//" not in text.replace(names, "").replace("// ", "") for text in texts)

    run(scenario)
