"""The composition root: every part of local mode is made and started here, and nowhere else."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local import addresses, ports, push_credentials, synth
from local.addresses import Addresses
from local.aws.calls import Calls
from local.aws.process import AwsServer
from local.balancer.provider import LoadBalancingProvider
from local.children import Children
from local.clock import Clock
from local.console.server import Console
from local.containers.provider import ContainerProvider
from local.endpoints import Endpoints
from local.events.provider import EventSourceProvider
from local.functions.code import RunCopies
from local.functions.environment import has_awslambdaric, link_runtime_packages
from local.functions.plane import Functions
from local.functions.provider import FunctionProvider
from local.functions.reload import Reload
from local.functions.worker import Host
from local.gateway.provider import ApiGatewayProvider
from local.providers import Started
from local.push.apns import ApnsServer
from local.push.fcm import FcmServer
from local.registry import Registry
from local.resources.clients import Clients
from local.resources.custom import CustomResourceProvider
from local.resources.keys import KeyProvider
from local.resources.queues import QueueProvider
from local.resources.secrets import SecretProvider
from local.resources.tables import TableProvider
from local.resources.topics import TopicProvider
from local.resources.user_pools import UserPoolProvider
from local.template import assembly
from local.template.assembly import Assembly
from local.template.stage import Place, Stage

API_ID = "local0ws1d"
SOURCES = "lambdas"  # the folder of the project that is also the package in the bundle
_CONTAINERS_WITHIN = 20.0  # seconds until readiness is announced without them


@dataclass(frozen=True)
class Options:
    """What the command line says. `state` is where everything local mode writes goes."""

    project: Path
    state: Path
    env: str = "dev"
    api_port: int = ports.DEFAULT_API
    websocket_port: int | None = None
    speed: float = 10.0
    data: Path | None = None

    @property
    def logs(self) -> Path:
        return self.state / "logs"
