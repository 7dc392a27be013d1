"""`python -m emulator.aws.server`: moto with this package's changes, in a process of its own.

It ends with its standard input, so it never outlives what started it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import importlib
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from emulator import allocation, service_models

SWEEP = 2.0  # seconds between two looks for expired items and objects
SERVICES = (
    "dynamodb",
    "dynamodbstreams",
    "sqs",
    "s3",
    "sns",
    "cognitoidp",
    "secretsmanager",
    "kms",
)

ENVIRONMENT = {
    # moto checks credentials of calls it makes to itself, and never sends them anywhere.
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "MOTO_DISABLE_GLOBAL_CORS": "true",
    # The same template gives the same pool after a restart, so that tokens stay valid.
    "MOTO_COGNITO_IDP_USER_POOL_ID_STRATEGY": "HASH",
    "MOTO_COGNITO_IDP_USER_POOL_CLIENT_ID_STRATEGY": "HASH",
}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m emulator.aws.server")
    parser.add_argument("--fd", type=int, required=True, help="the socket to listen on")
    parser.add_argument("--fcm", required=True, help="base URL in place of fcm.googleapis.com")
    parser.add_argument("--apns", required=True, help="base URL in place of api.push.apple.com")
    parser.add_argument("--functions", default="", help="base URL that Lambda's Invoke goes to")
    parser.add_argument("--region", default="", help="the environment's, the only one served")
    parser.add_argument("--logs", type=Path, help="the folder of what SNS logs of pushes")
    parser.add_argument("--sweep", type=float, default=SWEEP)
    options = parser.parse_args(arguments)
    os.environ |= ENVIRONMENT
    need_less_memory()
    listening = socket.socket(fileno=options.fd)
    asyncio.run(serve(listening, options))


def need_less_memory() -> None:
    """Settings and stubs that save memory; called before moto and httpx are imported."""
    allocation.release_freed_memory()
    service_models.small_for_all()
    # httpx imports its command line, with pygments and rich, where these are installed: 4 MB
    sys.modules["httpx._main"] = None  # type: ignore[assignment]  # an import that fails


async def serve(listening: socket.socket, options: argparse.Namespace) -> None:
    """Serve on a bound socket until standard input ends or a signal comes.

    Prints `ready` when it accepts requests.
    """
    # moto and httpx take a second to import, which nothing else in the emulator should pay.
    import httpx

    from emulator.aws import dynamodb_expiry, front, s3_expiry, sns, sqs, sqs_moves
    from emulator.aws.apns import ApnsSender
    from emulator.aws.fcm import FcmSender
    from emulator.aws.feedback import Feedback
    from emulator.aws.relay import Relay
    from emulator.aws.saving import Saving

    polls = sqs.LongPolls()
    async with (
        httpx.AsyncClient(timeout=10, trust_env=False) as http,
        httpx.AsyncClient(timeout=10, trust_env=False, http1=False, http2=True) as http2,
    ):
        sqs.install(polls)
        sqs_moves.install(polls.arrived)
        _change_moto()
        fcm = FcmSender(http, options.fcm)
        apns = ApnsSender(http2, {"APNS": options.apns, "APNS_SANDBOX": options.apns})
        sns.install(Relay(fcm, apns, Feedback(options.logs)))
        load_services()
        saving = Saving()
        application = front.application(
            front.Dispatcher(), polls, saving, options.functions, options.region
        )
        runner = await front.listen(application, listening)
        _collect_garbage_rarely()
        print("ready", flush=True)
        sweeps = (dynamodb_expiry.sweep, s3_expiry.sweep)
        sweeper = asyncio.create_task(_sweep(options.sweep, sweeps, saving.changed))
        await _until_signalled()
        sweeper.cancel()
        await runner.cleanup()
        saving.save_now()  # as when the emulator was killed, and could not ask for it


def load_services() -> None:
    """Loads the services at the start; otherwise a service's first call would wait for it."""
    from emulator.aws import ssm

    for service in SERVICES:
        importlib.import_module(f"moto.{service}.responses")
    ssm.load()


def _change_moto() -> None:
    from moto.core import loaders, utils

    from emulator.aws import (
        cognito,
        cognito_accounts,
        cognito_secrets,
        cognito_settings,
        cognito_sign_up,
        cognito_tokens,
        dynamodb_conditions,
        dynamodb_items,
        dynamodb_pages,
        dynamodb_projection,
        dynamodb_query,
        dynamodb_rules,
        dynamodb_speed,
        dynamodb_streams,
        dynamodb_updates,
        kms,
        listing_pages,
        s3,
        secrets_manager,
        sqs_attributes,
        sqs_batches,
    )

    paths, models = [loaders.moto_root], service_models.SmallModels()
    models_of_aws = loaders.Loader(extra_search_paths=paths, file_loader=models)
    utils.create_loader = lambda: models_of_aws  # type: ignore[attr-defined]  # not exported
    cognito.install()
    cognito_accounts.install()
    cognito_settings.install()
    secrets_manager.install()
    cognito_tokens.install()
    cognito_sign_up.install()
    cognito_secrets.install()  # in front of the operations that are replaced
    dynamodb_conditions.install()
    dynamodb_items.install()
    dynamodb_pages.install()
    dynamodb_projection.install()
    dynamodb_query.install()
    dynamodb_speed.install()
    dynamodb_streams.install()
    dynamodb_rules.install()  # after what rejects an update, which it takes for a reason
    dynamodb_updates.install()
    kms.install()
    listing_pages.install()
    s3.install()
    sqs_attributes.install()
    sqs_batches.install()


def _collect_garbage_rarely() -> None:
    """Python's garbage collector walks all that is stored, again and again while it grows: a tenth
    of this process's time. Items have no circles, and what moto has at its start stays."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


async def _sweep(
    seconds: float, sweeps: Sequence[Callable[[float], int]], changed: Callable[[], None]
) -> None:
    while True:
        await asyncio.sleep(seconds)
        for sweep in sweeps:
            try:
                if sweep(time.time()):
                    changed()
            except Exception:  # the next time may succeed
                traceback.print_exc()


async def _until_signalled() -> None:
    loop = asyncio.get_running_loop()
    signalled = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, signalled.set)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    ended = asyncio.create_task(reader.read())
    ended.add_done_callback(lambda _: signalled.set())
    await signalled.wait()
    ended.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await ended


if __name__ == "__main__":
    main()
