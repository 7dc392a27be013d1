"""ECS services of real processes: a small image, and the resources that a template has for one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from emulator.child_processes import ChildProcesses
from emulator.clock import Clock
from emulator.containers.provider import ContainerProvider
from emulator.providers import Resource

URI = "repository:hash"
DOCKERFILE = """FROM python
ENV GREETING=hello-
WORKDIR /srv
COPY . app
CMD ["python", "-m", "app.server"]
"""
# It writes to its log how many requests it had left when SIGTERM came, and ends at once: whatever was
# not drained by then is lost.
SERVER = """
import http.server, os, signal, sys, time
from app import greeting

active = 0

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        global active
        active += 1
        text = self.respond()
        active -= 1  # before it is sent: who has its response may let the task go
        self.wfile.write(text)
    def respond(self):
        if self.path == "/slow":
            time.sleep(1.5)
        if self.path == "/work":
            time.sleep(0.02)
        end = time.process_time() + 0.05
        while self.path == "/burn" and time.process_time() < end:
            pass
        env = {"/env": os.environ["GREETING"] + os.environ["POOL_NAME"]}
        text = env.get(self.path, greeting.TEXT + " " + str(os.getpid())).encode()
        sick = os.path.exists("sick-" + str(os.getpid()))
        self.send_response(500 if self.path == "/sick" and sick else 200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        return text
    def log_message(self, *args):
        pass

class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128

def terminated(*_):
    print("SIGTERM with", active, "left", flush=True)
    if "IGNORES_SIGTERM" not in os.environ:
        os._exit(0)

server = Server((os.environ["HOST"], int(os.environ["PORT"])), Handler)
signal.signal(signal.SIGTERM, terminated)
print("listening", flush=True)
server.serve_forever()
"""


def write_image(folder: Path) -> Path:
    """The build context of `URI`."""
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "__init__.py").write_text("")
    (folder / "server.py").write_text(SERVER)
    (folder / "greeting.py").write_text('TEXT = "one"')
    return folder


@contextlib.asynccontextmanager
async def running(
    targets: Any,
    groups: Sequence[str],
    image: Path,
    place: Path,
    *,
    speed: float = 20,
    desired: int | None = 2,
    environment: dict[str, str] | None = None,
    stop_timeout: int = 60,
    policies: Sequence[dict[str, Any]] = (),
    bounds: tuple[int, int] = (1, 4),
    **service: Any,
) -> AsyncIterator[ContainerProvider]:
    """The pool `small`, registered in the target groups of these ARNs. Leaves no process behind."""
    children = ChildProcesses()
    containers = _provider(children, targets, image, place, speed)

    async def make(kind: str, properties: dict[str, Any]) -> str:
        return (await containers.create(Resource("Web", "Thing", f"AWS::{kind}"), properties)).ref

    variables = {"POOL_NAME": "small", "PORT": "8080", **(environment or {})}
    container = {
        "Name": "api",
        "Image": URI,
        "Environment": [{"Name": name, "Value": value} for name, value in variables.items()],
        "StopTimeout": stop_timeout,
    }
    definition = {"Family": "small", "Cpu": "256", "ContainerDefinitions": [container]}
    balancers = [
        {"ContainerName": "api", "ContainerPort": 8080, "TargetGroupArn": arn} for arn in groups
    ]
    properties = {
        "ServiceName": "api",
        "TaskDefinition": await make("ECS::TaskDefinition", definition),
        "LoadBalancers": balancers,
        "Tags": [{"Key": "pool", "Value": "small"}],
        **({} if desired is None else {"DesiredCount": desired}),
        **service,
    }
    await make("ECS::Service", properties)
    if policies:
        target = {
            "ResourceId": "service/cluster/api",
            "ScalableDimension": "ecs:service:DesiredCount",
            "MinCapacity": bounds[0],
            "MaxCapacity": bounds[1],
        }
        target_id = await make("ApplicationAutoScaling::ScalableTarget", target)
        for config in policies:
            policy = {
                "ScalingTargetId": target_id,
                "PolicyType": "TargetTrackingScaling",
                "TargetTrackingScalingPolicyConfiguration": config,
            }
            await make("ApplicationAutoScaling::ScalingPolicy", policy)
    async with _started(containers, children):
        yield containers


@contextlib.asynccontextmanager
async def pods_running(
    targets: Any, output: str, image: Path, place: Path
) -> AsyncIterator[ContainerProvider]:
    """The pods of the manifests in a stack's output. Leaves no process behind."""
    children = ChildProcesses()
    containers = _provider(children, targets, image, place, speed=20)
    containers.add_pods([output])
    async with _started(containers, children):
        yield containers


def _provider(
    children: ChildProcesses, targets: Any, image: Path, place: Path, speed: float
) -> ContainerProvider:
    return ContainerProvider(
        children=children,
        targets=targets,
        container_asset=lambda uri: {URI: image}[uri],
        environment=dict,
        directory=place / "containers",
        logs=place / "logs",
        clock=Clock(speed),
    )


@contextlib.asynccontextmanager
async def _started(containers: ContainerProvider, children: ChildProcesses) -> AsyncIterator[None]:
    try:
        await containers.start()
        yield
    finally:
        await containers.stop()
        pids = children.pids()
        await children.end_all()
        assert not [pid for pid in pids if alive(pid)]


def tracking(metric: str, value: float, **more: Any) -> dict[str, Any]:
    """A policy's configuration."""
    return {
        "PredefinedMetricSpecification": {"PredefinedMetricType": metric},
        "TargetValue": value,
        **more,
    }


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
