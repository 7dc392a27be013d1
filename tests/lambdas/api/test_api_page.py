"""The page as a browser gets it, from a folder as `make page` builds one."""

import base64
import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lambdas.api.api import serve
from lambdas.api.app import Served, create_app
from lambdas.api.page import chosen, matches
from lambdas.settings import Aws, Settings
from tests.support.lambdas.events import http_request
from tests.support.rows import rows

SHELL = b"<!doctype html><script type=module src=/assets/index-a1.js></script>"
SCRIPT = b"console.log('a script that is long enough')"
SETTINGS = {
    "POOL_NAME": "lambda",
    "USER_POOL_CLIENT_ID": "client",
    "TOKEN_ISSUER": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_pool",
    "WEBSOCKET_URL": "wss://abc.execute-api.us-east-1.amazonaws.com/dev",
    "FILES_URL": "https://files.s3.us-east-1.amazonaws.com",
}
BROWSER = "gzip, deflate, br, zstd"


class Got(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


def built(folder: Path) -> Path:
    """Bodies in brotli are any bytes here: nothing in this process can read them."""
    bodies = {"index.html": SHELL, "index.html.gzip": gzip.compress(SHELL), "olm.wasm": b"\0asm"}
    bodies |= {"index-a1.js": SCRIPT, "index-a1.js.br": b"\x8b\x00", "index-a1.js.gzip": b"\x1f"}
    for name, content in bodies.items():
        (folder / name).write_bytes(content)
    script = {"identity": "index-a1.js", "br": "index-a1.js.br", "gzip": "index-a1.js.gzip"}
    shell = {"identity": "index.html", "gzip": "index.html.gzip"}
    rows = {
        "/": ("text/html; charset=utf-8", "11", False, shell),
        "/assets/index-a1.js": ("text/javascript; charset=utf-8", "22", True, script),
        "/assets/olm-b2.wasm": ("application/wasm", "33", True, {"identity": "olm.wasm"}),
    }
    names = ("type", "hash", "immutable", "bodies")
    document = {path: dict(zip(names, row, strict=True)) for path, row in rows.items()}
    (folder / "files.json").write_text(json.dumps(document))
    return folder


def application(page: Path, **settings: str) -> Served:
    return create_app(Aws(Settings({**SETTINGS, **settings})), routes=(), page=page)


@pytest.fixture
def app(tmp_path: Path) -> Served:
    return application(built(tmp_path))


def get(app: Served, path: str, method: str = "GET", **headers: str) -> Got:
    """`headers` with _ for -."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    response: Mapping[str, Any] = serve(app, http_request(method, path, b"", sent, {}), None)
    text = response["body"]
    body = base64.b64decode(text) if response["isBase64Encoded"] else text.encode()
    got = {name: values[-1] for name, values in response["multiValueHeaders"].items()}
    return Got(response["statusCode"], got, body)


def test_the_shell_is_asked_about_again_and_an_asset_never(app: Served) -> None:
    shell, script = get(app, "/"), get(app, "/assets/index-a1.js")
    assert (shell.status, shell.body, shell.headers["cache-control"]) == (200, SHELL, "no-cache")
    assert shell.headers["content-type"] == "text/html; charset=utf-8"
    assert (script.status, script.body) == (200, SCRIPT)
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"


def test_bytes_that_are_no_text_arrive_as_they_are(app: Served) -> None:
    wasm = get(app, "/assets/olm-b2.wasm", accept_encoding=BROWSER)
    assert (wasm.body, wasm.headers["content-type"]) == (b"\0asm", "application/wasm")
    assert "content-encoding" not in wasm.headers


def test_a_browser_gets_the_smallest_form_that_was_built(app: Served) -> None:
    script = get(app, "/assets/index-a1.js", accept_encoding=BROWSER)
    assert (script.headers["content-encoding"], script.body) == ("br", b"\x8b\x00")
    shell = get(app, "/", accept_encoding=BROWSER)
    assert (shell.headers["content-encoding"], gzip.decompress(shell.body)) == ("gzip", SHELL)
    assert shell.headers["vary"] == "accept-encoding"
    assert shell.headers["content-length"] == str(len(shell.body))


@rows(
    ("accepted", "encoding"),
    [
        ("", "identity"),
        ("br", "br"),
        ("gzip, br", "br"),
        ("BR", "br"),
        ("br;q=0, gzip", "gzip"),
        ("gzip;q=0.5, br;q=0.1", "br"),
        ("*", "br"),
        ("*;q=0, gzip", "gzip"),
        ("br; q=0, *", "gzip"),
        ("br;q=much", "identity"),
        ("zstd, deflate", "identity"),
    ],
)
def test_the_encoding_is_one_that_was_accepted(accepted: str, encoding: str) -> None:
    bodies = {"identity": b"", "gzip": b"", "br": b""}
    assert chosen([accepted], bodies) == encoding
    assert chosen(accepted.split(","), bodies) == encoding
    assert chosen([accepted], {"identity": b""}) == "identity"


def test_what_the_browser_has_is_not_sent_again(app: Served) -> None:
    first = get(app, "/", accept_encoding=BROWSER)
    again = get(app, "/", accept_encoding=BROWSER, if_none_match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    for name in ("etag", "vary", "cache-control", "content-security-policy"):
        assert again.headers[name] == first.headers[name]
    other_form = get(app, "/", if_none_match=first.headers["etag"])
    assert (other_form.status, other_form.body) == (200, SHELL)


@pytest.mark.parametrize(
    ("asked", "has"),
    [('"1"', True), ('W/"1"', True), ('"2", "1"', True), ("*", True), ('"2"', False), ("", False)],
)
def test_a_tag_is_compared_weakly(asked: str, has: bool) -> None:
    assert matches([asked], '"1"') is has


def test_head_has_the_headers_of_get_and_no_body(app: Served) -> None:
    whole, head = get(app, "/"), get(app, "/", "HEAD")
    assert (head.status, head.body, head.headers) == (200, b"", whole.headers)


@pytest.mark.parametrize(
    "path", ["/assets/index-old.js", "/index.html", "/files.json", "/assets/../files.json", "/x"]
)
def test_what_is_not_in_the_page_is_not_found_and_never_the_shell(app: Served, path: str) -> None:
    missing = get(app, path)
    assert (missing.status, missing.headers["content-type"]) == (404, "application/json")
    assert missing.headers["cache-control"] == "no-store"
    inert = "default-src 'none'; frame-ancestors 'none'"
    assert missing.headers["content-security-policy"] == inert
    assert json.loads(missing.body)["error"]["code"] == "not_found"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_the_page_is_only_read(app: Served, method: str) -> None:
    assert get(app, "/", method).status == 404


def test_code_comes_from_the_page_alone_and_connections_go_to_the_api_and_the_bucket_alone(
    app: Served,
) -> None:
    policy = {}
    for directive in get(app, "/").headers["content-security-policy"].split("; "):
        name, _, sources = directive.partition(" ")
        policy[name] = sources
    backend = "wss://abc.execute-api.us-east-1.amazonaws.com"
    files = "https://files.s3.us-east-1.amazonaws.com"
    assert policy == {
        **dict.fromkeys(("default-src", "frame-ancestors", "base-uri", "form-action"), "'none'"),
        **dict.fromkeys(("style-src", "worker-src", "manifest-src"), "'self'"),
        "script-src": "'self' 'wasm-unsafe-eval'",
        "img-src": "'self' blob: data:",
        "media-src": "blob:",
        "connect-src": f"'self' {backend} {files}",
    }


def test_every_file_has_the_security_headers_and_https_stays(app: Served) -> None:
    for path in ("/", "/assets/index-a1.js"):
        headers = get(app, path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["strict-transport-security"].startswith("max-age=")
        assert headers["x-served-by"].startswith("lambda/")
    plain = get(app, "/", x_forwarded_proto="http").headers
    assert "strict-transport-security" not in plain


def test_without_a_built_page_the_api_serves_as_before(tmp_path: Path) -> None:
    missing = get(application(tmp_path), "/")
    assert (missing.status, missing.headers["content-type"]) == (404, "application/json")
