"""The requests of http_desync_guardian's own tests, sent in the three modes of desync mitigation.

golden/http_desync_guardian.jsonl holds those that are written out: in the ten files tests/*.yaml
and in the tests of src/request_analyzer.rs, src/raw_request_parser.rs (a line alone stands here
before a Host and an empty line) and src/lib.rs (github.com/aws/http-desync-guardian at 7dd6f37,
Apache License 2.0). Of the thousands that test_walk_through_states and test_analyze_fuzzing_input
make of one request, it holds that one. `tier` and `reason` are what its analyze_raw_request returns
of the request; `published` is what the file says where that differs, as it speaks of a request that
was parsed.
What each mode does: "Desync mitigation mode", user guide of Application Load Balancers.
"""

import asyncio
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.balancer.scene import Scene, balancing
from tests.balancer.test_desync import ACCEPTABLE, AMBIGUOUS, DONE, LAST, MODES, SEVERE, respond
from tests.rows import rows

from emulator.balancer.messages.desync import (
    DISTANT,
    IDENTICAL,
    SAME_LETTERS,
    Doubt,
    framing_of,
    similarity,
)
from emulator.balancer.messages.head import Rejected
from emulator.balancer.messages.lenient import read_raw

Case = dict[str, str]
GOLDEN = Path(__file__).parent / "golden" / "http_desync_guardian.jsonl"
CASES: list[Case] = [json.loads(line) for line in GOLDEN.read_text().splitlines()]
TIERS = {"Compliant": "", "Acceptable": ACCEPTABLE, "Ambiguous": AMBIGUOUS, "Severe": SEVERE}
# The library analyzes what it is given as a whole. A load balancer waits for the rest.
NOT_WHOLE = ("MissingLastEmptyLine", "PartialHeaderLine")
# Their URI begins with NUL or a tab, so that it is neither a path nor an absolute URL.
WITHOUT_TARGET = ("\\0 at the start of URI", "test_parse_empty_uri_bad_delimiters")


def test_the_table_is_whole() -> None:
    assert Counter(case["file"] for case in CASES) == {
        "tests/single-case.yaml": 1,
        "tests/edge-cases.yaml": 8,
        "tests/rfc-compliant.yaml": 14,
        "tests/acceptable.yaml": 9,
        "tests/ambiguous.yaml": 37,
        "tests/bad-header-characters.yaml": 15,
        "tests/more-compliant-tests.yaml": 10,
        "tests/severe.yaml": 27,
        "tests/uri-specific-test-cases.yaml": 14,
        "tests/real-life-test-cases.yaml": 24,
        "src/request_analyzer.rs": 34,
        "src/raw_request_parser.rs": 4,
        "src/lib.rs": 1,
    }


def request_of(case: Case) -> bytes:
    """With a Host header of its own, as it is 400 without one, with two, and with one that is no
    host (RFC 9112 section 3.2): those in the table are about other rules."""
    request = case["request"].encode().replace(b"Host:", b"X-Host:")
    return request.replace(b"\r\n\r\n", b"\r\nHost: h\r\n\r\n", 1)


def values(request: bytes, name: bytes) -> list[bytes]:
    head = request.partition(b"\r\n\r\n")[0]
    found = re.findall(rb"\r\n" + name + rb":([^\n]*?)[ \t]*(?=\r?\n|\Z)", head, re.IGNORECASE)
    return [value.strip(b" \t").lower() for value in found]


def body_of(request: bytes) -> bytes:
    if values(request, b"Transfer-Encoding"):
        return b"3\r\nabc\r\n0\r\n\r\n"
    lengths = values(request, b"Content-Length")
    return b"x" * int(lengths[0]) if lengths and re.fullmatch(rb"\d{1,8}", lengths[0]) else b""


def status_of(case: Case, mode: str, request: bytes) -> int:
    """What else counts: the supported codings ("HTTP 501: Not implemented", troubleshooting of
    Application Load Balancers), and in the mode monitor what no end of the request, or no target,
    can be read of."""
    if not DONE.get((TIERS[case["tier"]], mode), (True, False))[0]:
        return 400
    codings = values(request, b"Transfer-Encoding")
    lengths = values(request, b"Content-Length")
    if any(not re.fullmatch(rb"\d{1,19}", length) for length in lengths) or len(set(lengths)) > 1:
        return 400
    if codings not in ([], [b"chunked"]):
        return 501
    of_line = ("BadMethod", "BadVersion")
    return 400 if case["reason"] in of_line or case["name"] in WITHOUT_TARGET else 200


def closes(case: Case, mode: str, request: bytes) -> bool:
    old = not re.search(rb" HTTP/1\.[1-9][ \t]*\Z", request.partition(b"\n")[0].rstrip(b"\r"))
    asked = values(request, b"Connection")
    by_client = b"close" in asked or (old and b"keep-alive" not in asked)
    return by_client or (case["tier"] == "Ambiguous" and mode == "defensive")


async def check(scene: Scene, case: Case, mode: str) -> None:
    request = request_of(case)
    backend = scene.raw_backends[0]
    backend.heads.clear()
    # What the library takes for more of the head is the body, or another request, here.
    body = b"" if b"\r\n\r\n" in request[:-4] else body_of(request)
    responses = await scene.exchange(request + body + LAST)
    statuses = re.findall(rb"HTTP/1\.1 (\d{3})", responses)
    status = status_of(case, mode, request)
    last = [] if status != 200 or closes(case, mode, request) else [b"200"]
    assert statuses == [str(status).encode(), *last]
    if status != 200:
        assert not backend.heads
        return
    alone = case["tier"] == "Ambiguous" and mode == "defensive"
    assert (b"\r\nConnection: close\r\n" in backend.heads[0]) == alone
    line, *headers = re.split(rb"\r?\n", request.partition(b"\r\n\r\n")[0])
    method, _, rest = line.partition(b" ")
    target = re.sub(rb" *((?<![^ ])HTTP/[0-9.]+)?[ \t]*\Z", b"", rest) or b"/"
    assert backend.heads[0].startswith(b" ".join([method, target, b"HTTP/1.1\r\n"]))
    if case["tier"] in ("Compliant", "Acceptable"):
        unchanged(headers, backend.heads[0])


def unchanged(headers: list[bytes], sent: bytes) -> None:
    """What is compliant or acceptable reaches the target as it is, the lines of a multi-line header
    with a colon."""
    for header in headers:
        name, _, value = header.partition(b":")
        if name.lower() in (b"connection", b"host", b"x-forwarded-for"):
            continue
        lines = sent.lower() if name.lower() == b"transfer-encoding" else sent
        wanted = name + b": " + value.strip(b" \t")
        assert (wanted.lower() if lines is not sent else wanted) + b"\r\n" in lines


@pytest.mark.parametrize("mode", MODES)
def test_each_request_gets_what_its_tier_and_the_mode_say(
    mode: str, subtests: pytest.Subtests
) -> None:
    async def scenario() -> None:
        attributes = {"routing.http.desync_mitigation_mode": mode}
        async with balancing(attributes=attributes) as scene:
            await scene.add_raw("web", "a", respond)
            for case in CASES:
                if case["reason"] not in NOT_WHOLE:
                    with subtests.test(f"{case['file']}: {case['name']}"):
                        await check(scene, case, mode)

    asyncio.run(scenario())


@rows("case", CASES, ids=lambda case: case["name"])
def test_the_reason_is_that_of_the_library(case: Case) -> None:
    request = request_of(case)
    if case["reason"] in NOT_WHOLE:
        assert read_raw(case["request"].encode(), monitor=False) is None
    elif case["tier"] == "Severe":
        with pytest.raises(Rejected, match=case["reason"]):
            read_raw(request, monitor=False)
    else:
        read: Any = read_raw(request, monitor=False)
        assert (read.doubt.reason if read.doubt else "Compliant") == case["reason"]


TE = "transfer-encoding"
# test_same_letters of src/http_token_utils.rs
ALIKE = [
    ("t-e", "t-e", IDENTICAL),
    ("t-e", "t_e", SAME_LETTERS),
    ("t-e", "t_e ", SAME_LETTERS),
    ("t-e", "t____e", SAME_LETTERS),
    ("t-e", "t----e", SAME_LETTERS),
    ("t", "tp", DISTANT),
    ("t", "t0", DISTANT),
    ("t", "t_", SAME_LETTERS),
    ("t", "p", DISTANT),
    ("t", "", DISTANT),
    (TE, "transfer-encoding1", DISTANT),
    (TE, "tran\u017ffer-encoding", SAME_LETTERS),
    (TE, "transfer-encod\u0131ng", SAME_LETTERS),
    (TE, TE, IDENTICAL),
    (TE, "Transfer-Encoding", IDENTICAL),
    ("x-my-custom-important-header", "X-My-Custom-Important-Header", IDENTICAL),
    ("x-my-custom-important-header", "X_My_Custom_Important_Header", SAME_LETTERS),
    (TE, "transfer-encodin", DISTANT),
    ("transfer", TE, DISTANT),
    (TE, "TRANSFER-ENCODING", IDENTICAL),
    (TE, "transfer-\tencoding", SAME_LETTERS),
    (TE, "\r\ntransfer-\t\te\tn\tc o d i ng\t", SAME_LETTERS),
    (TE, "transfer_encoding", SAME_LETTERS),
    (TE, "transfer---encoding", SAME_LETTERS),
    (TE, "x_transfer_encoding", DISTANT),
    (TE, "x_transfer_encodings", DISTANT),
    (TE, "gibberish", DISTANT),
    (TE, "\t\x01\x02transfer-encoding\t\x0f\x0c", SAME_LETTERS),
    (TE, "\t" * 27, DISTANT),
    (TE, "accept-encoding", DISTANT),
]
# test_utf8_spaces, test_utf8_delimiters
SPACES = [*map(chr, (9, 10, 11, 12, 13, 32, 0x85, 0xA0, 0x1680, 0x180E, *range(0x2000, 0x200E)))]
SPACES += [*map(chr, (0x2028, 0x2029, 0x202F, 0x205F, 0x2060, 0x3000, 0xFEFF))]
DASHES = [*map(chr, (0x58A, 0x5BE, 0x1400, 0x1806, *range(0x2010, 0x2016), 0x2E17, 0x2E1A, 0x2E3A))]
DASHES += [*map(chr, (0x2E3B, 0x2E40, 0x301C, 0x3030, 0x30A0, 0xFE31, 0xFE32, 0xFE58, 0xFE63))]
DASHES += [*map(chr, (0xFF0D, 0x10EAD))]
ALIKE += [(TE, f"{space}Transfer-Encoding{space}", SAME_LETTERS) for space in SPACES]
ALIKE += [(TE, f"Transfer{dash}Encoding", SAME_LETTERS) for dash in DASHES]


@rows(("important", "name", "likeness"), ALIKE, ids=[repr(name) for _, name, _ in ALIKE])
def test_names_are_as_alike_as_the_library_says(important: str, name: str, likeness: str) -> None:
    assert similarity(important, name.encode().decode("latin-1")) == likeness


# test_parse_num and test_valid_te, and has_transfer_encoding's rule of chunked behind chunked.
@rows(
    ("name", "value", "reason"),
    [
        *(
            ("Content-Length", value, None)
            for value in ("0", "1000", "\t\t\t1000  ", str(2**64 - 1))
        ),
        *(
            ("Content-Length", value, "BadContentLength")
            for value in (str(2**64), "123456789" * 4, "123,123", "123.123", "-1", "+1", "9" * 5000)
        ),
        *(
            ("Transfer-Encoding", value, None)
            for value in (
                "chunked",
                "compress",
                "deflate",
                "gzip",
                "identity",
                "chunked;",
                " CHUNKED ",
            )
        ),
        *(
            ("Transfer-Encoding", value, None)
            for value in (
                "chunked;extension1;extension2;",
                " chunked\t\t;\t\t",
                "chunked, gzip, chunked",
            )
        ),
        *(
            ("Transfer_Encoding", value, "BadTransferEncoding")
            for value in ("xchunked", "x_chunked", "", "gzip,,chunked", "br", "\xa0chunked")
        ),
        ("Transfer-Encoding", "chunked;a, Chunked", "MultipleTransferEncodingChunked"),
    ],
)
def test_values_are_read_as_the_library_does(name: str, value: str, reason: str | None) -> None:
    doubt = framing_of([(name, value)]).doubt
    assert doubt == (None if reason is None else Doubt(3, reason))
