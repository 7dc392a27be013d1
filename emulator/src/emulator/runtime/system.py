"""The composition root: every component of the emulator is made and started here."""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import Callable

from emulator.child_processes import ChildProcesses
from emulator.containers import manifests
from emulator.listening import HOST, number
from emulator.rehearsal.persisted_templates import PersistedTemplates
from emulator.runtime import ports, push_credentials
from emulator.runtime.endpoints import Endpoints
from emulator.runtime.options import Options
from emulator.runtime.persistence import Persisted, Persistence
from emulator.runtime.servers import Servers
from emulator.runtime.services import Component, Services
from emulator.runtime.synth import Synthesis
from emulator.template import assembly, ignored
from emulator.template.stage import Stage

log = logging.getLogger("emulator.runtime.system")

_CONTAINERS_WITHIN = 20.0  # seconds until readiness is announced without them


class System:
    """`start` gives where everything is, or raises EmulatorError; `stop` ends whatever runs, also
    after a start that failed half-way. `report` gets progress and function errors, line by line."""

    def __init__(self, options: Options, report: Callable[[str], None]) -> None:
        self._options = options
        self._report = report
        self._children = ChildProcesses()
        self._running: list[Component] = []
        self._ports: ports.Ports | None = None

    async def start(self) -> Endpoints:
        options = self._options
        self._ports = chosen = ports.choose(
            options.api_port,
            options.websocket_port,
            options.console_port,
            report=self._report,
        )
        fcm = f"http://{HOST}:{number(chosen.fcm)}"
        if options.fresh:
            self._forget()
        credentials = await asyncio.to_thread(push_credentials.generate, fcm)
        servers = Servers(options, chosen, credentials, self._children, self._report)
        synthesis = Synthesis(
            options.project, options.state, options.env, self._children, options.context
        )
        components = (servers.fcm, servers.apns, servers.web_push, servers.aws)
        await asyncio.gather(
            self._synthesize(synthesis), *(self._start(component) for component in components)
        )
        deployable = assembly.load(synthesis.directory)
        loaded = assembly.moved(deployable, servers.place.account, servers.place.region)
        self._report_notes(loaded)
        services = Services(servers, loaded, self._report)
        await self._start(services.custom)
        stage = Stage(loaded, servers.place)
        made = await services.registry().create_all(stage)
        services.containers.add_pods(stage.outputs_with(manifests.BINDING))
        services.made.stage, services.made.since = stage, time.time()
        self._report(f"{made} resources created")
        await self._put_back(servers, services, deployable)
        await self._start(services.collector)
        for component in services.in_order():
            await self._start(component)
        unhealthy = await services.containers.ready(_CONTAINERS_WITHIN)
        if unhealthy:
            self._report(f"not healthy yet: {', '.join(unhealthy)} (see {options.logs})")
        await self._start(services.monitor)  # a start is no alarm
        await asyncio.to_thread(synthesis.prune, loaded)
        await asyncio.to_thread(services.copies.prune)
        return services.endpoints()

    async def stop(self) -> None:
        for component in reversed(self._running):
            try:
                await component.stop()
            except Exception:  # what is left must be stopped anyway
                log.exception("%s did not stop cleanly", component)
        self._running.clear()
        await self._children.end_all()
        if self._ports is not None:
            self._ports.close()

    def _report_notes(self, loaded: assembly.Assembly) -> None:
        resources = [each for stack in loaded.stacks for each in stack.resources()]
        for note in (*loaded.notes, *ignored.missed(resources)):
            self._report(note)

    def _forget(self) -> None:
        """The data of the environment, and the templates that made it; not of the others."""
        for path in self._options.data.glob(f"{self._options.env}.*"):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    async def _start(self, component: Component) -> None:
        self._running.append(component)
        await component.start()

    async def _put_back(
        self, servers: Servers, services: Services, deployable: assembly.Assembly
    ) -> None:
        options = self._options
        persisted: dict[str, Persisted] = {
            "positions": services.events,
            "phones": servers.phones,
            "subscriptions": servers.web_push,
        }
        fresh = options.project.hint("up", "--fresh")
        await self._start(
            Persistence(options.data, options.env, servers.aws.url, persisted, self._report, fresh)
        )
        templates = PersistedTemplates(options.data, options.env)
        await asyncio.to_thread(self._compare, templates, deployable)

    def _compare(self, persisted: PersistedTemplates, loaded: assembly.Assembly) -> None:
        for line in persisted.compared(loaded):
            self._report(line)
        persisted.write(loaded)

    async def _synthesize(self, synthesis: Synthesis) -> None:
        if await asyncio.to_thread(synthesis.fresh):
            self._report(f"{self._options.env}: nothing changed since it was last synthesized")
            return
        self._report(f"{self._options.env}: synthesizing")
        await synthesis.run()
        self._report("synthesized")
