"""The composition of the command: options in, a chat or a list of pushes out."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from client.chat_client import ChatClient
from client.cli import options as given
from client.cli.asking import Ask, asked
from client.cli.commands import Commands
from client.cli.faults import watch
from client.cli.lines import InputLines, Lines
from client.cli.linking import label, link_device
from client.cli.options import LOCAL_PASSWORD, Options, UsageError
from client.cli.phone import show_phone
from client.cli.room import Room
from client.cli.text import one_line, sentence
from client.cli.verifying import Verifying
from client.core.events import StoreFailing
from client.errors import ClientError, Unreachable

CONNECT_TIMEOUT = 15.0
ACCEPTANCE_SECONDS = 60.0  # how long a pipe that ended waits for its messages to be accepted
BEGINNING = CONNECT_TIMEOUT + ACCEPTANCE_SECONDS  # how long it waits for its first chat
T = TypeVar("T")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0, 1 if something was wrong, 130 after Ctrl-C."""
    try:
        options = given.parse(sys.argv[1:] if arguments is None else arguments, Path.cwd())
        if options.command == "phone":
            print("\n".join(one_line(line) for line in show_phone(options)))
            return 0
        if options.command == "link":
            link_device(options)
            return 0
        return asyncio.run(_chat(options))
    except KeyboardInterrupt:
        return 130
    except Unreachable as error:
        print(f"client: {one_line(_unreachable_text(options, error))}", file=sys.stderr)
    except (ClientError, OSError) as error:
        named = getattr(error, "filename", None)
        said = f"{named}: {sentence(error)}" if named else sentence(error)
        print(f"client: {one_line(said)}", file=sys.stderr)
    return 1


def _unreachable_text(options: Options, error: Unreachable) -> str:
    if options.api != options.endpoints.get("api"):
        return str(error)
    return f"the emulator does not respond ({error}); start it with: make dev"


async def _chat(options: Options) -> int:
    if options.api is None:
        raise UsageError(
            "nothing runs here (there is no .local/endpoints.json): start it with make dev, "
            "or name a backend with --api"
        )
    client = ChatClient(
        options.api,
        options.user,
        options.password,
        options.device,
        options.store,
        label=label(),
        platform=options.platform,
        passphrase=options.passphrase,
    )
    stop = partial(_stop, asyncio.current_task())
    for ends in (signal.SIGTERM, signal.SIGHUP):  # the latter: the terminal was closed
        if signal.getsignal(ends) is not signal.SIG_IGN:  # as `nohup` wants it
            asyncio.get_running_loop().add_signal_handler(ends, stop)
    try:
        if options.local_password:
            print(f"* the emulator: no --password given, so it is {LOCAL_PASSWORD}")
        if options.reset_password:
            await reset_password(client)
        if sys.stdin.isatty():  # before it is read: a password may be asked for
            await _until(_sign_in(client), _say_what_is_waited_for(client))
        if sys.stdin.isatty() and sys.stdout.isatty():
            await _on_screen(client, options)
        else:
            await _in_lines(client, options)
    except (asyncio.CancelledError, EOFError):
        return 0  # a signal, or no terminal any more: leaving is all there is to do
    finally:
        await client.close()
    return 0


async def reset_password(client: ChatClient, ask: Ask = asked) -> None:
    """Asks for the code that is mailed, and for another password."""
    await client.account.forgot_password()
    print("* if this account has a confirmed address, a code is on its way there")
    code = await ask("code: ", seen=True)
    new = await ask("new password: ")
    if new != await ask("new password again: "):
        raise UsageError("these are two different passwords; nothing has changed")
    await client.account.reset_password(code.strip(), new)
    print("* your password is changed; your other devices have to sign in again")


def _stop(task: asyncio.Task[int] | None) -> None:
    if task is not None:
        task.cancel()


async def _in_lines(client: ChatClient, options: Options) -> None:
    view = Lines(lambda line: print(line, flush=True), colours=sys.stdout.isatty())
    room, verifying = Room(client, view), Verifying(client, view)
    commands = Commands(client, room, view)

    async def talk() -> None:
        lines = InputLines()
        room.ended = lines.ended
        if not sys.stdin.isatty():
            await _while_read(lines, _sign_in(client), BEGINNING)
        await _while_read(lines, _begin(client, room, options.to), BEGINNING)
        async for line in lines:
            if not await _while_read(lines, commands.entered(line), ACCEPTANCE_SECONDS):
                return
        await _wait_for_acceptance(client)

    console = options.endpoints.get("console")
    await _until(talk(), _listen(client, room, verifying), watch(console, view))


async def _on_screen(client: ChatClient, options: Options) -> None:
    typed: asyncio.Queue[str] = asyncio.Queue()
    # prompt_toolkit is a third of all that the program loads, and a pipe needs nothing of it
    from client.cli.screen import Screen

    screen = Screen(client, typed.put_nowait, lambda: room.keys_pressed(), lambda: room.reading())
    room, verifying = Room(client, screen), Verifying(client, screen)
    commands = Commands(client, room, screen)

    async def talk() -> None:
        while await commands.entered(await typed.get()):
            pass
        screen.app.exit()

    beside = (talk(), _listen(client, room, verifying), _begin(client, room, options.to))
    faults = watch(options.endpoints.get("console"), screen)
    await _until(screen.app.run_async(), *beside, faults)
    if client.messages.unaccepted:
        print(
            f"{client.messages.unaccepted} message(s) not sent yet; they go out at the next start"
        )


async def _sign_in(client: ChatClient) -> None:
    await client.sign_up_or_in()


async def _say_what_is_waited_for(client: ChatClient) -> None:
    """Prints why the start waits, before there is a screen."""
    async with contextlib.aclosing(client.events()) as events:
        async for event in events:
            if isinstance(event, StoreFailing):
                print(f"! {one_line(event.reason)}; it is tried again until it works", flush=True)


async def _while_read(lines: InputLines, work: Coroutine[Any, Any, T], grace: float) -> T:
    """Runs `work` to its end: for at most `grace` seconds, once the input is at its end.

    Raises ClientError when they are over.
    """
    task, ended = asyncio.ensure_future(work), asyncio.ensure_future(lines.ended.wait())
    try:
        await asyncio.wait({task, ended}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            await asyncio.wait({task}, timeout=grace)
        if not task.done():
            raise ClientError("the input is at its end, and what is waited for did not come")
        return task.result()
    finally:
        for each in (task, ended):
            each.cancel()
        await asyncio.gather(task, ended, return_exceptions=True)


async def _begin(client: ChatClient, room: Room, to: str | None) -> None:
    await asyncio.sleep(0)  # listeners start before the first event
    room.begin_offline(to)
    with contextlib.suppress(TimeoutError):  # it goes on trying, and the view shows that
        await client.connect(CONNECT_TIMEOUT)
    await room.begin(to)


async def _listen(client: ChatClient, room: Room, verifying: Verifying) -> None:
    async with contextlib.aclosing(client.events()) as events:
        async for event in events:
            room.happened(event)
            verifying.happened(event)


async def _wait_for_acceptance(client: ChatClient) -> None:
    """Waits, at the end of the input, until what was written in it is accepted."""
    if client.messages.unaccepted:
        with contextlib.suppress(TimeoutError):
            await client.wait_for(lambda _: not client.messages.unaccepted, ACCEPTANCE_SECONDS)


async def _until(work: Coroutine[Any, Any, None], *beside: Coroutine[Any, Any, None]) -> None:
    """Runs `work` to its end, and the others as long; the first error of any ends all."""
    first = asyncio.create_task(work)
    waiting = {first, *(asyncio.create_task(other) for other in beside)}
    everything = list(waiting)
    try:
        while not first.done():
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
    finally:
        for task in everything:
            task.cancel()
        await asyncio.gather(*everything, return_exceptions=True)
