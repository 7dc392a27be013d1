"""`make bench`: every figure that the README promises, in one run.

`python -m bench cost fan_out` runs some of them.
"""

import argparse
import importlib
import os
import platform
import sys

from bench.table import render

# One run compares; figures of different runs or machines don't.
PARTS = {
    "acts": "What each act of the cost tables does",
    "cost": "Cost per message, from the real handlers (US$ per million, us-east-1)",
    "pushes": "How often phones ring",
    "cold_import": "Cold start of the send function",
    "fan_out": "Posting to many connections",
    "sockets": "A task that holds sockets",
    "encryption": "Encryption on a device, Python client",
    "encryption_browser": "Encryption on a device, browser client in Chromium",
    "page": "The web client's page in Chromium",
    "latency": "Send to receive, emulator",
    "laptop": "The emulator under load: an absent user, catching up, a busy group",
    "scale": "The scale model beside the emulator",
    "overload": "The emulator with three times as much as it can take",
    "catch_up": "Catching up after an absence",
    "balancing": "The local load balancer beside others",
    "startup": "Starting the emulator",
    "memory": "Memory of the emulator (PSS of its processes)",
    "tests": "The test commands: CPU seconds of all their processes, wall seconds on quiet cores",
}


def main() -> int:
    os.environ.update(
        AWS_ACCESS_KEY_ID="local",
        AWS_SECRET_ACCESS_KEY="local",
        AWS_REGION="us-east-1",
        AWS_DEFAULT_REGION="us-east-1",
        AWS_EC2_METADATA_DISABLED="true",
        POWERTOOLS_METRICS_NAMESPACE="Switchboard",
        POWERTOOLS_METRICS_DISABLED="true",
        POWERTOOLS_LOG_LEVEL="ERROR",
    )
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="|".join(PARTS))
    parser.add_argument(
        "--short", action="store_true", help="laptop: less of it, for a look while others work"
    )
    arguments = parser.parse_args()
    chosen = arguments.parts or list(PARTS)
    if unknown := set(chosen) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    print(f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, ", end="")
    print(f"{os.cpu_count()} cores\n")
    missed = 0
    for part in chosen:
        short = {"short": True} if part == "laptop" and arguments.short else {}
        rows = importlib.import_module(f"bench.{part}").rows(**short)
        print(render(PARTS[part], rows), flush=True)
        missed += sum(row.met is False for row in rows)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
