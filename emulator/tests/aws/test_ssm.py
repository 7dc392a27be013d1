"""moto's SSM without its EC2, and with what the Parameter Store rejects."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from tests.rows import rows

from emulator.aws.checks import ssm
from emulator.aws.checks.rejection import Rejection

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


@pytest.mark.deep
def test_a_server_loads_no_ec2_until_something_asks_for_it() -> None:
    subprocess.run([sys.executable, "-c", LOADED], check=True)


VALUE = "ValidationException"


# docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
@rows(
    ("given", "code"),
    [
        ({"Value": "x" * 4_097}, VALUE),
        ({"Value": "\u00e4" * 2_049}, VALUE),
        ({"Value": "x" * 4_097, "Tier": "Standard"}, VALUE),
        ({"Value": "x" * 8_193, "Tier": "Advanced"}, VALUE),
        ({"Value": "x" * 8_193, "Tier": "Intelligent-Tiering"}, VALUE),
        ({"Name": "a b"}, VALUE),
        ({"Name": "/a:b"}, VALUE),
        ({"Name": "/a" * 16}, "HierarchyLevelLimitExceededException"),
        ({"Value": "{{ssm:other}}"}, VALUE),
        ({"AllowedPattern": "[0-9]+"}, "ParameterPatternMismatchException"),
        ({"AllowedPattern": "["}, "InvalidAllowedPatternException"),
    ],
    ids=lambda given: str(given)[:40],
)
def test_a_parameter_that_is_rejected(given: dict[str, Any], code: str) -> None:
    with pytest.raises(Rejection) as found:
        ssm.check("PutParameter", {"Name": "/a", "Value": "v", **given})
    assert found.value.code == code


@pytest.mark.parametrize(
    ("given", "tier"),
    [
        ({"Value": "x" * 4_096}, None),
        ({"Value": "x" * 8_192, "Tier": "Advanced"}, "Advanced"),
        ({"Value": "x" * 4_096, "Tier": "Intelligent-Tiering"}, "Standard"),
        ({"Value": "x" * 4_097, "Tier": "Intelligent-Tiering"}, "Advanced"),
        ({"Name": "arn:aws:ssm:us-east-1:123456789012:parameter/a_b-c.d"}, None),
        ({"Name": "/a" * 15, "AllowedPattern": "v|w"}, None),
    ],
    ids=lambda given: str(given)[:40],
)
def test_a_parameter_that_is_taken(given: dict[str, Any], tier: str | None) -> None:
    asked = {"Name": "/a", "Value": "v", **given}
    ssm.check("PutParameter", asked)
    assert asked.get("Tier") == tier
