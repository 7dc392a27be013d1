"""What a message costs: the real handlers over an emulated DynamoDB, each call recorded and priced.

Emulators report constant capacity, so units are computed from the bytes of the items. Two things
are assumed, not measured, because they need AWS: a call takes ROUND_TRIP_MS, and a post costs the
function POST_MS of its share of a CPU; with the memory of `stacks/config.py` they give the
billed duration.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bench import prices
from bench.capacity import item_bytes, read_units, write_units

ROUND_TRIP_MS = 8.0
POST_MS = 0.4
CALL_DELAY_SECONDS = 0.02  # makes calls that run side by side overlap, so that rounds can be told


class Call(NamedTuple):
    """One call to AWS, with what it consumed; started and ended in seconds."""

    name: str
    reads: float
    writes: int
    started: float
    ended: float


@dataclass
class Bill:
    """What one invocation did, and what a million of it cost."""

    calls: list[Call] = field(default_factory=list)
    websocket_messages: int = 0  # in and out, each started 32 KB
    posts: int = 0
    memory_mb: int = 512
    pushes: int = 0

    @property
    def writes(self) -> int:
        return sum(call.writes for call in self.calls)

    @property
    def reads(self) -> float:
        return sum(call.reads for call in self.calls)

    @property
    def rounds(self) -> int:
        """Length of the longest chain of calls of which each began after the one before ended."""
        chain, free_at = 0, 0.0
        for call in sorted(self.calls, key=lambda call: call.ended):
            if call.started >= free_at:
                chain, free_at = chain + 1, call.ended
        return chain

    @property
    def duration_ms(self) -> float:
        return self.rounds * ROUND_TRIP_MS + self.posts * POST_MS

    @property
    def dollars_per_million(self) -> float:
        queue = sum(call.name.startswith("sqs") for call in self.calls)
        # a queued push is sent, received and deleted, and its function runs once
        one = (
            self.writes * prices.DYNAMODB_WRITE_UNIT
            + self.reads * prices.DYNAMODB_READ_UNIT
            + self.websocket_messages * prices.WEBSOCKET_MESSAGE
            + prices.LAMBDA_REQUEST
            + self.duration_ms / 1000 * self.memory_mb / 1024 * prices.LAMBDA_GB_SECOND
            + queue * 3 * prices.SQS_FIFO_REQUEST
            + self.pushes * (prices.SNS_MOBILE_PUSH + prices.LAMBDA_REQUEST)
        )
        return one * prices.MILLION


class Recorder:
    """Watches boto3 clients; DynamoDB requests are priced by the items they touch."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader  # an unwatched client, to look at items before and after
        self._lock = threading.Lock()
        self.calls: list[Call] = []

    def watch(self, client: Any) -> None:
        events = client.meta.events
        service = client.meta.service_model.service_name
        events.register(f"before-parameter-build.{service}", self._before)
        events.register(f"after-call.{service}", self._after)

    def _before(
        self, params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any
    ) -> None:
        context["bench"] = (params, time.monotonic(), self._stored_bytes(model.name, params))
        time.sleep(CALL_DELAY_SECONDS)

    def _after(self, parsed: Any, model: Any, context: dict[str, Any], **_: Any) -> None:
        params, started, before = context["bench"]
        reads, writes = 0.0, 0
        if model.name in ("UpdateItem", "PutItem", "DeleteItem"):
            writes = write_units(max(before, self._stored_bytes(model.name, params)))
        elif model.name == "BatchGetItem":
            for table, asked in params["RequestItems"].items():
                sizes = [item_bytes(item) for item in parsed["Responses"].get(table, [])]
                absent = len(asked["Keys"]) - len(sizes)
                consistent = asked.get("ConsistentRead", False)
                reads += sum(read_units(n, consistent=consistent) for n in sizes + [0] * absent)
        elif model.name == "GetItem":
            size = item_bytes(parsed.get("Item", {}))
            reads = read_units(size, consistent=params.get("ConsistentRead", False))
        elif model.name == "Query":
            size = sum(item_bytes(item) for item in parsed["Items"])
            reads = read_units(size, consistent=params.get("ConsistentRead", False))
        name = f"{model.service_model.service_name}:{model.name}"
        self.add(Call(name, reads, writes, started, time.monotonic()))

    def add(self, call: Call) -> None:
        with self._lock:
            self.calls.append(call)

    def _stored_bytes(self, operation: str, params: dict[str, Any]) -> int:
        if operation not in ("UpdateItem", "PutItem", "DeleteItem"):
            return 0
        source = params.get("Key") or params["Item"]
        keys = {name: source[name] for name in ("chat", "user", "item") if name in source}
        found = self._reader.get_item(TableName=params["TableName"], Key=keys, ConsistentRead=True)
        return item_bytes(found.get("Item", {}))


@contextmanager
def recorded_posts(connections: Any, recorder: Recorder) -> Iterator[list[int]]:
    """Counts what `connections.post` sends, in started 32 KB; all posts together are one round."""
    sent: list[int] = []
    spans: list[tuple[float, float]] = []
    original = connections.post

    def post(post: Any) -> Any:
        started = time.monotonic()
        time.sleep(CALL_DELAY_SECONDS)
        outcome = original(post)
        sent.append(websocket_units(post.frame))
        spans.append((started, time.monotonic()))
        return outcome

    connections.post = post
    try:
        yield sent
    finally:
        connections.post = original
        if spans:
            first, last = min(span[0] for span in spans), max(span[1] for span in spans)
            recorder.add(Call("connections:Post", 0, 0, first, last))


def websocket_units(frame: Any) -> int:
    from lambdas.frames import encode

    text = frame if isinstance(frame, str) else encode(frame)
    return -(-len(text.encode()) // prices.WEBSOCKET_MESSAGE_BYTES)


def describe(name: str, bill: Bill) -> Sequence[str]:
    """A row for the table of costs."""
    return (
        name,
        ", ".join(sorted({call.name for call in bill.calls})),
        f"{bill.writes}",
        f"{bill.reads:g}",
        f"{bill.websocket_messages}",
        f"{bill.rounds}",
        f"{bill.dollars_per_million:.2f}",
    )
