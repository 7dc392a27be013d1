"""`python -m lambdas.api.server`: the HTTP application in a container, by uvicorn.

It listens on HOST and PORT. SIGTERM, which ECS sends before SIGKILL, stops listening and lets the
requests in flight finish for FINISH_SECONDS. An idle connection stays open for KEEP_ALIVE_SECONDS.
"""

import signal
import sys
from types import FrameType

import uvicorn
from aws_lambda_powertools.logging.utils import copy_config_to_registered_loggers

from lambdas.api.app import create_app
from lambdas.settings import Aws, aws
from lambdas.telemetry import logger

# Defaults. The template sets KEEP_ALIVE_SECONDS above the load balancer's idle timeout, and
# FINISH_SECONDS below the time between ECS's SIGTERM and SIGKILL.
KEEP_ALIVE_SECONDS = 75
FINISH_SECONDS = 25


def main() -> None:
    # uvicorn raises the signal again when it has finished; the exit status must still be 0
    signal.signal(signal.SIGTERM, _finished)
    signal.signal(signal.SIGINT, _finished)
    warm(aws())
    settings = aws().settings
    config = uvicorn.Config(
        create_app(aws()),
        host=settings.get("HOST", "0.0.0.0"),
        port=int(settings.get("PORT", "8080")),
        lifespan="off",
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,  # or X-Forwarded-For would replace the address of the peer
        timeout_keep_alive=int(settings.get("KEEP_ALIVE_SECONDS", str(KEEP_ALIVE_SECONDS))),
        timeout_graceful_shutdown=int(settings.get("FINISH_SECONDS", str(FINISH_SECONDS))),
    )
    aws().log_level.watch()
    copy_config_to_registered_loggers(logger, include={"uvicorn.error", "asyncio"})
    uvicorn.Server(config).run()


def warm(aws: Aws) -> None:
    """Creates the clients before there are threads: creating a client is not thread-safe."""
    _ = aws.chats, aws.users, aws.tickets, aws.connections, aws.cognito, aws.sns


def _finished(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    main()
