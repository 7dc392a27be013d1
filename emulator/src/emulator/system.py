"""The composition root: every part of local mode is made and started here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from emulator import ports, push_credentials
from emulator.base import Base
from emulator.children import Children
from emulator.endpoints import Endpoints
from emulator.kept import Kept
from emulator.listening import HOST, number
from emulator.options import Options
from emulator.planes import Part, Planes
from emulator.rehearsal.kept import KeptTemplates
from emulator.synth import Synthesis
from emulator.template import assembly, ignored
from emulator.template.stage import Stage

log = logging.getLogger("emulator.system")

_CONTAINERS_WITHIN = 20.0  # seconds until readiness is announced without them


class System:
    """`start` gives where everything is, or raises LocalModeError; `stop` ends whatever runs, also
    after a start that failed half-way. `say` gets progress and function errors, line by line."""

    def __init__(self, options: Options, say: Callable[[str], None]) -> None:
        self._options = options
        self._say = say
        self._children = Children()
        self._running: list[Part] = []
        self._ports: ports.Ports | None = None

    async def start(self) -> Endpoints:
        options = self._options
        self._ports = chosen = ports.choose(options.api_port, options.websocket_port)
        fcm = f"http://{HOST}:{number(chosen.fcm)}"
        credentials = await asyncio.to_thread(push_credentials.generate, fcm)
        base = Base(options, chosen, credentials, self._children)
        synthesis = Synthesis(
            options.project, options.state, options.env, self._children, options.context
        )
        parts = (base.fcm, base.apns, base.aws)
        await asyncio.gather(self._synthesize(synthesis), *(self._start(part) for part in parts))
        deployable = assembly.load(synthesis.directory)
        loaded = assembly.moved(deployable, base.place.account, base.place.region)
        resources = [each for stack in loaded.stacks for each in stack.resources()]
        for note in (*loaded.notes, *ignored.missed(resources)):
            self._say(note)
        planes = Planes(base, loaded, self._say)
        await self._start(planes.custom)
        made = await planes.registry().create_all(Stage(loaded, base.place))
        self._say(f"{made} resources created")
        if options.data is not None:
            await self._start(Kept(options.data, options.env, base.aws.url, self._say))
            await asyncio.to_thread(
                self._compare, KeptTemplates(options.data, options.env), deployable
            )
        for part in planes.in_order():
            await self._start(part)
        unhealthy = await planes.containers.ready(_CONTAINERS_WITHIN)
        if unhealthy:
            self._say(f"not healthy yet: {', '.join(unhealthy)} (see {options.logs})")
        await asyncio.to_thread(synthesis.prune, loaded)
        await asyncio.to_thread(planes.copies.prune)
        return planes.endpoints()

    async def stop(self) -> None:
        for part in reversed(self._running):
            try:
                await part.stop()
            except Exception:  # what is left must be stopped all the same
                log.exception("%s did not stop cleanly", part)
        self._running.clear()
        await self._children.end_all()
        if self._ports is not None:
            self._ports.close()

    async def _start(self, part: Part) -> None:
        self._running.append(part)
        await part.start()

    def _compare(self, kept: KeptTemplates, loaded: assembly.Assembly) -> None:
        for line in kept.compared(loaded):
            self._say(line)
        kept.write(loaded)

    async def _synthesize(self, synthesis: Synthesis) -> None:
        if await asyncio.to_thread(synthesis.fresh):
            self._say(f"{self._options.env}: nothing changed since it was last synthesized")
            return
        self._say(f"{self._options.env}: synthesizing")
        await synthesis.run()
        self._say("synthesized")
