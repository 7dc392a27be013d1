"""Costs of an act, by what it is charged for: US$ per million of it. No I/O."""

from collections.abc import Mapping

from bench import prices
from tools.scale.acts import ACCESS_LOG_BYTES, ACTS, LAMBDA_LOG_BYTES, MEMORY, Act

PARTS = ("DynamoDB", "WebSocket", "Lambda", "queue and push", "balancer, S3", "logs", "transfer")

# Rows of docs/costs.md: the acts of which each row consists, with their numbers.
ROWS: Mapping[str, Mapping[str, float]] = {
    "a message, 1:1, recipient online": {"a text to somebody online": 1},
    "the same with a delivered and a read receipt for ten messages": {
        "a text to somebody online": 1,
        "a receipt": 0.2,
    },
    "a message, 1:1, recipient away, with the push": {"a text to somebody away": 1, "a push": 1},
    "a message to a group of ten, all online": {"a text to a group of ten online": 1},
    "the delivery watch's look at a chat, with its purge": {"a batch of the delivery watch": 1},
    "a receipt": {"a receipt": 1},
    "typing": {"typing": 1},
    "a connect: ticket, connection, sync, disconnection": {
        "ticket": 1,
        "a connection": 1,
        "a sync without anything missed": 1,
        "a disconnection": 1,
    },
    "a sync of ten texts": {"a sync of ten texts": 1},
    "a ping": {"a ping": 1},
    "a push": {"a push": 1},
    "a sign-up": {"sign-up": 1},
    "a sign-in, with the registration of a device": {"sign-in": 1, "registration of a device": 1},
    "a refresh of the access token": {"refresh": 1},
    "a file sent, besides its message": {"a file sent": 1},
    "a file got": {"a file got": 1},
}


def parts(act: Act) -> dict[str, float]:
    """US$ per million of the act, by what it is charged for."""
    memory = sum(MEMORY[name] for name in act.functions) / len(act.functions)
    requests = len(act.functions) * prices.LAMBDA_REQUEST
    lambda_ = requests + act.duration_ms / 1000 * memory / 1024 * prices.LAMBDA_GB_SECOND
    from_api = "Api" in act.functions
    logged = act.logged + LAMBDA_LOG_BYTES * len(act.functions)
    access = ACCESS_LOG_BYTES if act.received or "Connection" in act.functions else 0
    balancer = prices.LCU_HOUR / (prices.LCU_NEW_CONNECTIONS * 3600) if from_api else 0.0
    one = {
        "DynamoDB": act.writes * prices.DYNAMODB_WRITE_UNIT + act.reads * prices.DYNAMODB_READ_UNIT,
        "WebSocket": (act.received + act.frames) * prices.WEBSOCKET_MESSAGE,
        "Lambda": lambda_,
        # a job is sent to the queue, received and deleted
        "queue and push": act.jobs * 3 * prices.SQS_FIFO_REQUEST
        + act.pushes * prices.SNS_MOBILE_PUSH,
        "balancer, S3": balancer
        + act.objects_put * prices.S3_POST
        + act.objects_got * prices.S3_GET,
        "logs": (logged + access) / prices.GB * prices.LOGS_GB,
        "transfer": act.sent / prices.GB * prices.TRANSFER_GB,
    }
    return {name: value * prices.MILLION for name, value in one.items()}


def per_million(act: Act) -> float:
    return sum(parts(act).values())


def row(acts: Mapping[str, float]) -> dict[str, float]:
    """The sum of the parts of several acts."""
    found = dict.fromkeys(PARTS, 0.0)
    for name, number in acts.items():
        for part, value in parts(ACTS[name]).items():
            found[part] += number * value
    return found


def connected_hour() -> float:
    """US$ of a million devices that are connected for an hour each, with their pings."""
    pings = 3600 / 270  # clients ping every 240 to 300 s
    minutes = 60 * prices.CONNECTION_MINUTE * prices.MILLION
    return minutes + pings * per_million(ACTS["a ping"])
