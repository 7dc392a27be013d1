"""CPU of posting one frame to 99 connections: ours beside boto3's, same server, same run."""

import asyncio
import multiprocessing
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection as Pipe

import boto3

from bench.table import Row, within
from lambdas.connections import THREADS, Connections, Post
from lambdas.frames import encode

RECIPIENTS = 99
ROUNDS = 30
FRAME = {"type": "message", "chat": "c" * 22, "seq": 4711, "payload": "x" * 300}


def rows() -> list[Row]:
    with _server() as port:
        url = f"http://127.0.0.1:{port}/live"
        ours = Connections(url, "us-east-1", lambda: ("local", "local", None))
        posts = [Post(f"id{n:03d}=", FRAME) for n in range(RECIPIENTS)]
        by_hand = _cpu_per_recipient(lambda: ours.post_all(posts))
        by_boto3 = _cpu_per_recipient(_boto3_fan_out(url))
    return [
        within("fan-out, CPU a recipient beyond the first", by_hand, 0.6, "ms"),
        Row("the same through boto3's post_to_connection", f"{by_boto3:.2f} ms"),
    ]


def _cpu_per_recipient(fan_out: Callable[[], object]) -> float:
    """Milliseconds of CPU, the median of ROUNDS fan-outs after a warm one."""
    fan_out()
    spent = []
    for _ in range(ROUNDS):
        before = time.process_time()
        fan_out()
        spent.append((time.process_time() - before) * 1000 / RECIPIENTS)
    return sorted(spent)[len(spent) // 2]


def _boto3_fan_out(url: str) -> Callable[[], object]:
    client = boto3.client("apigatewaymanagementapi", endpoint_url=url, region_name="us-east-1")
    threads = ThreadPoolExecutor(THREADS)
    body = encode(FRAME).encode()

    def post(number: int) -> object:
        return client.post_to_connection(ConnectionId=f"id{number:03d}=", Data=body)

    return lambda: list(threads.map(post, range(RECIPIENTS)))


@contextmanager
def _server() -> Iterator[int]:
    """A server in a process of its own, so that its CPU does not count; yields its port."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_serve, args=(there,), daemon=True)
    process.start()
    yield here.recv()
    process.terminate()
    process.join()


def _serve(pipe: Pipe) -> None:
    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(
                    int(line.split(b":")[1])
                    for line in head.lower().split(b"\r\n")
                    if line.startswith(b"content-length")
                )
                await reader.readexactly(length)
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def main() -> None:
        server = await asyncio.start_server(respond, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())
