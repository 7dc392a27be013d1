"""Acts of the system and what each does to AWS: constants of the cost tables and the scale model.

How they were measured: the real handlers over emulated tables, with real ciphertexts of a line of
text. tests/lambdas/test_costs.py and tests/lambdas/api/test_api_costs.py count calls, capacity
units and posts at each run of the tests, so a change that makes an act more expensive fails there
until its row here is changed. `make bench ARGS=acts` measures rounds, frames and bytes anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

# Assumed, since they need AWS: what a call takes, and what a post takes of a whole CPU, as measured
# on a laptop (docs/figures.md). Together they give the billed duration.
ROUND_TRIP_MS = 8.0
POST_MS = 0.4
# The lines START, END and REPORT of an invocation, by the example in
# https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html, with ids of 36 characters.
LAMBDA_LOG_BYTES = 270
# A line of the stage's access log (stacks/constructs/websocket_api.py), filled in.
ACCESS_LOG_BYTES = 250
# For 200 texts of a day the push function got 140 jobs, and rang 100 times (`make bench
# ARGS=pushes`).
JOBS_PER_TEXT = 0.7

# MiB of each function: stacks/config/functions.py.
MEMORY: Mapping[str, int] = {
    "Authorize": 512,
    "Connection": 512,
    "Presence": 512,
    "Send": 1024,
    "Sync": 1024,
    "Receipt": 512,
    "DeliveryWatch": 512,
    "Push": 512,
    "Api": 1024,
}


@dataclass(frozen=True, kw_only=True)
class Act:
    """`calls` are those to AWS by name, `reads` and `writes` the request units of DynamoDB.

    `rounds` is the length of the longest chain of calls that wait for each other, posts included.
    `frames` are those of 32 KB or less that go to clients, with `sent` bytes; `received` those that
    come from one. `logged` are bytes of log lines and metrics that the functions write.
    """

    functions: tuple[str, ...]
    calls: Mapping[str, int] = field(default_factory=dict)
    writes: int = 0
    reads: float = 0
    posts: int = 0
    jobs: int = 0
    rounds: int = 0
    received: int = 0
    frames: int = 0
    sent: int = 0
    logged: int = 0
    objects_put: int = 0
    objects_got: int = 0
    pushes: int = 0

    @property
    def duration_ms(self) -> float:
        """The duration of all its functions together."""
        return self.rounds * ROUND_TRIP_MS + self.posts * POST_MS

    @property
    def requests(self) -> int:
        """Those that count towards API Gateway's quota: frames that come, and posts."""
        return self.received + self.posts

    def counted(self) -> dict[str, float]:
        """The calls and units that the tests count."""
        units = {"WRU": self.writes, "RRU": self.reads, "Post": self.posts}
        return {**self.calls, **{name: number for name, number in units.items() if number}}


ACTS: Mapping[str, Act] = {
    "a text to somebody online": Act(
        functions=("Send",),
        calls={"BatchGetItem": 2, "UpdateItem": 1, "PutItem": 1},
        writes=2,
        reads=1,
        posts=1,
        rounds=3,
        received=1,
        frames=2,
        sent=1131,
        logged=552,
    ),
    "a text to somebody away": Act(
        functions=("Send",),
        calls={"BatchGetItem": 3, "UpdateItem": 1, "PutItem": 1, "SendMessage": 1},
        writes=2,
        reads=2,
        jobs=1,
        rounds=4,
        received=1,
        frames=1,
        sent=159,
        logged=482,
    ),
    "a text to a group of ten online": Act(
        functions=("Send",),
        calls={"BatchGetItem": 2, "UpdateItem": 1, "PutItem": 1},
        writes=2,
        reads=5,
        posts=9,
        rounds=3,
        received=1,
        frames=10,
        sent=6630,
        logged=555,
    ),
    "a receipt": Act(
        functions=("Receipt",),
        calls={"BatchGetItem": 2, "GetItem": 1, "UpdateItem": 1},
        writes=1,
        reads=1.5,
        posts=1,
        rounds=5,
        received=1,
        frames=1,
        sent=87,
        logged=209,
    ),
    "typing": Act(
        functions=("Sync",),
        calls={"BatchGetItem": 3},
        reads=3,
        posts=1,
        rounds=4,
        received=1,
        frames=1,
        sent=63,
    ),
    "a sync without anything missed": Act(
        functions=("Sync",),
        calls={"BatchGetItem": 3, "Query": 1},
        reads=4.5,
        rounds=4,
        received=1,
        frames=1,
        sent=190,
    ),
    "a sync of ten texts": Act(
        functions=("Sync",),
        calls={"BatchGetItem": 3, "Query": 2},
        reads=7.5,
        posts=1,
        rounds=6,
        received=1,
        frames=2,
        sent=9785,
    ),
    "a push": Act(
        functions=("Push",),
        calls={"UpdateItem": 2, "BatchGetItem": 4, "Query": 2},
        writes=2,
        reads=7,
        rounds=8,
        logged=240,
        pushes=1,
    ),
    "a connection": Act(
        functions=("Authorize", "Connection"),
        calls={"DeleteItem": 1, "UpdateItem": 1, "Query": 1},
        writes=2,
        reads=0.5,
        rounds=3,
        logged=203,
    ),
    "a disconnection": Act(
        functions=("Connection",),
        calls={"UpdateItem": 1, "Query": 1},
        writes=1,
        reads=0.5,
        rounds=2,
    ),
    "a ping": Act(
        functions=("Presence",),
        calls={"BatchGetItem": 1},
        reads=0.5,
        rounds=1,
        received=1,
        frames=1,
        sent=15,
    ),
    "a batch of the delivery watch": Act(
        functions=("DeliveryWatch",),
        calls={"Query": 2, "BatchGetItem": 1, "UpdateItem": 1, "BatchWriteItem": 1},
        writes=2,
        reads=3.5,
        rounds=5,
        logged=211,
    ),
    # Requests to the API: each call is taken as a round, and the log line as the longest one.
    "sign-up": Act(
        functions=("Api",),
        calls={
            "SignUp": 1,
            "AdminConfirmSignUp": 1,
            "UpdateItem": 1,
            "GetItem": 1,
            "BatchGetItem": 2,
            "TransactWriteItems": 1,
        },
        writes=5,
        reads=3,
        rounds=7,
        logged=300,
    ),
    "sign-in": Act(
        functions=("Api",),
        calls={"InitiateAuth": 1, "UpdateItem": 1, "BatchGetItem": 2},
        writes=1,
        reads=3,
        rounds=4,
        logged=300,
    ),
    "refresh": Act(
        functions=("Api",),
        calls={"InitiateAuth": 1, "BatchGetItem": 1},
        reads=2,
        rounds=2,
        logged=300,
    ),
    "ticket": Act(
        functions=("Api",),
        calls={"AdminGetUser": 1, "BatchGetItem": 2, "PutItem": 1},
        writes=1,
        reads=3,
        rounds=4,
        logged=300,
    ),
    "registration of a device": Act(
        functions=("Api",),
        calls={
            "BatchGetItem": 3,
            "Query": 2,
            "GetItem": 4,
            "UpdateItem": 3,
            "TransactWriteItems": 1,
        },
        writes=5,
        reads=11,
        rounds=13,
        logged=300,
    ),
    # `make bench ARGS=cost` has their write units: a form or a URL of the API, and S3's request.
    "a file sent": Act(functions=("Api",), writes=2, reads=2, rounds=4, logged=300, objects_put=1),
    "a file got": Act(functions=("Api",), writes=1, reads=2, rounds=4, logged=300, objects_got=1),
}
