"""moto's Parameter Store, without the EC2 that moto imports with it.

Only commands to instances need EC2, and nothing here has instances. Its tables of machine types and
zones are half of the CPU time in which this process starts, and 95 MB.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

_EC2 = "moto.ec2"


def load() -> None:
    """Imports moto's SSM. Afterwards an import of moto's EC2 gives EC2."""
    if _EC2 in sys.modules:
        importlib.import_module("moto.ssm.responses")
        return
    stand_in = ModuleType(_EC2)
    vars(stand_in)["ec2_backends"] = _Backends()
    sys.modules[_EC2] = stand_in
    try:
        importlib.import_module("moto.ssm.responses")
    finally:
        del sys.modules[_EC2]


class _Backends:
    """moto's own, once somebody asks for one."""

    def __getitem__(self, account: str) -> object:
        return importlib.import_module("moto.ec2.models").ec2_backends[account]
