"""The AWS command line on the system that runs on this machine: `make aws ARGS="sqs list-queues"`.

It is the program that is installed as `aws`, with the endpoint, the region and credentials set. The
shell's own are left out: nothing here reaches a real account.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from emulator.credentials import ACCESS_KEY, SECRET_KEY
from emulator.runtime import endpoints, lock
from emulator.template.place import Place

STATE = Path(".local")
INSTALL = "https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html"
NOWHERE = "/dev/null"  # a file of settings that has none


def main(arguments: Sequence[str]) -> int:
    """Runs `aws <arguments>`, and gives its exit status; 1 where that can't be."""
    known = endpoints.read(STATE)
    if known is None or lock.holder(STATE) != known.pid:
        return _failed("nothing runs here: start it with `make dev`")
    program = shutil.which("aws")
    if program is None:
        return _failed(f"there is no `aws` on this machine: {INSTALL} has the ways to install it")
    if not arguments:
        return _failed('name an operation: make aws ARGS="dynamodb list-tables"')
    return subprocess.run(
        [program, *arguments], env=environment(os.environ, known.aws), check=False
    ).returncode


def environment(environ: Mapping[str, str], url: str) -> dict[str, str]:
    """Without any setting of AWS that was there; a profile could name a role or a real endpoint."""
    kept = {name: value for name, value in environ.items() if not name.startswith("AWS_")}
    return {
        **kept,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_REGION": Place().region,
        "AWS_DEFAULT_REGION": Place().region,
        "AWS_ENDPOINT_URL": url,
        "AWS_CONFIG_FILE": NOWHERE,
        "AWS_SHARED_CREDENTIALS_FILE": NOWHERE,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
        "NO_PROXY": "127.0.0.1",
    }


def _failed(message: str) -> int:
    print(f"aws: {message}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
