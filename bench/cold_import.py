"""CPU of a cold start: the send function's imports and clients, beside boto3 with one client."""

import os
import subprocess
import sys
from pathlib import Path

from bench.table import Row, within

ROUNDS = 9
BOTO3 = "import boto3; boto3.client('dynamodb', region_name='us-east-1')"
SEND = """
import lambdas.messages.send
from lambdas.settings import aws
services = aws()
services.chats, services.users, services.connections
"""
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "CHATS_TABLE": "chats",
    "USERS_TABLE": "users",
    "CONNECTIONS_URL": "https://example.execute-api.us-east-1.amazonaws.com/live",
}


def rows() -> list[Row]:
    _cpu(BOTO3), _cpu(SEND)  # the first run compiles
    pairs = [(_cpu(BOTO3), _cpu(SEND)) for _ in range(ROUNDS)]
    boto3 = sorted(pair[0] for pair in pairs)[ROUNDS // 2]
    send = sorted(pair[1] for pair in pairs)[ROUNDS // 2]
    return [
        Row("cold import CPU: boto3 and one client", f"{boto3 * 1000:.0f} ms"),
        Row("cold import CPU: the send function with its client", f"{send * 1000:.0f} ms"),
        within("ratio of the two", send / boto3, 1.25, "x"),
    ]


def _cpu(code: str) -> float:
    """Seconds of user and system CPU of a fresh interpreter that runs `code`."""
    timed = f"{code}\nimport os, sys\nt = os.times()\nsys.stdout.write(str(t.user + t.system))"
    done = subprocess.run(
        [sys.executable, "-c", timed],
        env={"PATH": os.environ["PATH"], **ENVIRONMENT},
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)
