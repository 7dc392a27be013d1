"""Request smuggling is not possible: another parser reads the same requests behind the load
balancer."""

import asyncio
import contextlib

import h11
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.balancer.scene import balancing, until

LINES = [
    b"Content-Length: 0",
    b"Content-Length: 5",
    b"Content-Length: 44",
    b"Content-Length: 5, 5",
    b"Content-Length: 005",
    b"Content-Length: +5",
    b"Content-Length : 5",
    b"Content-Length:5",
    b"Content-Length: 5\x0b",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: Chunked ",
    b"Transfer-Encoding:\tchunked",
    b"Transfer-Encoding: identity",
    b"Transfer-Encoding: chunked, identity",
    b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding : chunked",
    b"Transfer_Encoding: chunked",
    b"Transfer-Encoding\n: chunked",
    b"X: y\nTransfer-Encoding: chunked",
    b"X: y\rContent-Length: 44",
    b"X: y\r\n Content-Length: 44",
    b"Connection: Content-Length",
    b"Connection: Transfer-Encoding",
    b"Connection: close",
    b"Connection: Upgrade\r\nUpgrade: h2c",
    b"Connection: Upgrade\r\nUpgrade: websocket",
    b"Expect: 100-continue",
    b"Trailer: Content-Length",
]
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: h\r\nX: "
BODIES = [
    b"",
    b"hello",
    b"5\r\nhello\r\n0\r\n\r\n",
    b"0\r\n\r\n",
    b"0\r\n\r\n" + SMUGGLED,
    b"5;a=\nhello\r\n0\r\n\r\n",
    b"5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n" + SMUGGLED,
    SMUGGLED,
    b"2c\r\n" + SMUGGLED[:44].ljust(44) + b"\r\n0\r\n\r\n",
]


class Other:
    """A backend that reads with h11, which shares no code with llhttp."""

    def __init__(self) -> None:
        self.targets: list[bytes] = []
        self.errors: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER)
        with contextlib.suppress(ConnectionError):
            while True:
                try:
                    event = connection.next_event()
                except h11.RemoteProtocolError as error:
                    self.errors.append(str(error))
                    break
                if event is h11.NEED_DATA:
                    connection.receive_data(await reader.read(65536))
                elif isinstance(event, h11.Request) and event.target != b"/health":
                    self.targets.append(event.target)
                elif isinstance(event, h11.EndOfMessage):
                    response = h11.Response(status_code=200, headers=[("Content-Length", "0")])
                    for event in (response, h11.EndOfMessage()):
                        writer.write(connection.send(event) or b"")
                    if connection.our_state is h11.MUST_CLOSE:
                        break
                    connection.start_next_cycle()
                elif isinstance(event, h11.ConnectionClosed) or event is h11.PAUSED:
                    break
        writer.close()


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([b"GET", b"POST", b"HEAD"]),
    st.sampled_from([b"1.1", b"1.0"]),
    st.lists(st.sampled_from(LINES), max_size=4),
    st.sampled_from(BODIES),
)
@example(b"POST", b"1.1", [LINES[2], LINES[9]], BODIES[4])
@example(b"POST", b"1.1", [LINES[9], LINES[2]], BODIES[4])
@example(b"GET", b"1.1", [LINES[2]], BODIES[7])
@example(b"POST", b"1.1", [LINES[25], LINES[2]], BODIES[7])
@example(b"POST", b"1.1", [LINES[26], LINES[2]], BODIES[7])
@example(b"POST", b"1.0", [LINES[9]], BODIES[4])
def test_the_target_sees_the_requests_that_the_load_balancer_saw(
    method: bytes, version: bytes, lines: list[bytes], body: bytes
) -> None:
    async def scenario() -> None:
        other = Other()
        server = await asyncio.start_server(other.serve, "127.0.0.1", 0)
        # A body that never gets whole ends with the idle timeout.
        async with balancing(attributes={"idle_timeout.timeout_seconds": "2"}) as scene, server:
            port = server.sockets[0].getsockname()[1]
            scene.provider.targets.register(scene.arns["web"], "a", "127.0.0.1", port)
            await scene.until_state("web", "a", "healthy")
            head = b"\r\n".join([method + b" /first HTTP/" + version, b"Host: h", *lines, b"", b""])
            last = b"\r\n\r\nGET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
            reader, writer = await scene.connect()
            writer.write(head + body + last)
            async with asyncio.timeout(20):
                responses = await reader.read(-1)
            writer.close()
            await until(lambda: scene.in_flight() == 0)
            forwarded = scene.provider.targets.requests(scene.arns["web"])
            # A header that only looks like a framing one is routed, and h11 rejects it.
            assert all("illegal header line" in error for error in other.errors)
            assert len(other.targets) <= forwarded
            assert responses.count(b"HTTP/1.1 200") == len(other.targets)

    asyncio.run(scenario())
