"""moto's SSM without its EC2."""

from __future__ import annotations

import subprocess
import sys

LOADED = """
import sys
from emulator.aws import server

server.load_services()
assert not [each for each in sys.modules if each.startswith("moto.ec2")]
from moto.ssm import models

assert models.ec2_backends["123456789012"]["us-east-1"].all_reservations() == []
import moto.ec2

assert moto.ec2.ec2_backends["123456789012"]["us-east-1"].all_reservations() == []
"""


def test_a_server_loads_no_ec2_until_something_asks_for_it() -> None:
    subprocess.run([sys.executable, "-c", LOADED], check=True)
