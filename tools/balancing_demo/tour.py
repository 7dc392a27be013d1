"""The tour: even split, failover, recovery, scale-out, weights; at the end all settings are
restored.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence

from emulator.load import Reply
from emulator.providers import EmulatorError
from tools.balancing_demo import expectations
from tools.balancing_demo.expectations import Outcome, Sample, Verdict
from tools.balancing_demo.system import Pool, Running
from tools.balancing_demo.traffic import Traffic, by_pool, losses, lost
from tools.screen import Screen

REQUESTS = 1000
TARGETS = 3
WEIGHTS = (5, 2)
TURNS = 100  # of the weights: 700 requests, 500 and 200
CLIENTS = 10
SETTLE = 0.5  # seconds of flow before and after what happens


class Tour:
    """`run` is whether every step was as expected. It changes weights and desired counts of the
    running system and puts them back, also when it is interrupted."""

    def __init__(self, running: Running, screen: Screen) -> None:
        self._running = running
        self._screen = screen
        self._traffic = Traffic(running, screen)
        self._met: list[bool] = []
        self._pool = ""  # whose targets the steps are about

    async def run(self) -> bool:
        """Raises EmulatorError where a step can't be taken or its end is never seen."""
        before = await self._running.pools()
        containers = [pool for pool in before.values() if pool.desired is not None]
        if not containers:
            raise EmulatorError("the tour needs a container pool, and this environment has none")
        self._pool = containers[0].name
        try:
            await self._even_split(before)
            await self._failover()
            await self._recovery()
            await self._scale_out()
            await self._by_weight(before)
        finally:
            self._screen.line("\n   putting everything back")
            await self._put_back(before)
        await self._running.until("everything as it was", lambda pools: _as_before(before, pools))
        self._screen.line("   weights, targets and autoscaling are as they were")
        return all(self._met)

    async def _even_split(self, before: Mapping[str, Pool]) -> None:
        pool = before[self._pool]
        algorithm = (pool.algorithm or "").replace("_", " ")
        self._screen.step(
            1,
            "Even split",
            f"{REQUESTS} requests, {CLIENTS} at once, over {TARGETS} targets of the pool "
            f"{pool.name} by {algorithm}",
        )
        for each in before.values():
            if each.autoscaling:  # it would serve the tour's traffic with targets of its own
                await self._running.order(f"pools/{each.name}", {"autoscaling": False})
        others = {name: 0 for name in before if name != pool.name}
        await self._weigh({pool.name: max(1, pool.weight), **others})
        await self._scale(TARGETS)
        await self._burst_is_even()

    async def _failover(self) -> None:
        victim = (await self._main()).healthy()[0]
        self._screen.step(
            2,
            "Failover",
            f"{victim} is killed under a steady flow of requests; the load balancer repeats none",
        )
        async with self._traffic.flow() as replies:
            await asyncio.sleep(SETTLE)
            known = await self._main()
            killed = time.monotonic()
            await self._running.order(f"targets/{victim}", {"action": "kill"})
            self._screen.event(0, f"{victim} killed")
            detected, news = 0.0, _News(self._screen, killed, known)

            def recovered(pools: Mapping[str, Pool]) -> bool:
                nonlocal detected
                pool = pools[self._pool]
                news.report(pool)
                if not detected and pool.sample(victim).state != "healthy":
                    detected = time.monotonic()
                return victim not in pool.targets and _settled(pool, TARGETS)

            await self._running.until(f"{victim} replaced", recovered)
            await asyncio.sleep(SETTLE)
        self._show(await self._main(), replies)
        outcomes = [Outcome(lost(reply), reply.began, reply.ended) for reply in replies]
        self._judge(expectations.lost_within(outcomes, killed, detected))

    async def _recovery(self) -> None:
        self._screen.step(
            3, "Recovery", f"{REQUESTS} requests with the replacement among {TARGETS} targets"
        )
        await self._burst_is_even()

    async def _scale_out(self) -> None:
        self._screen.step(4, "Scale-out", "one more target under a steady flow of requests")
        samples: list[Sample] = []
        async with self._traffic.flow() as replies:
            await asyncio.sleep(SETTLE)
            known = await self._main()
            asked = time.monotonic()
            await self._running.order(f"pools/{self._pool}", {"desired": TARGETS + 1})
            self._screen.event(0, f"{TARGETS + 1} targets wanted")
            news = _News(self._screen, asked, known)

            def taken_in(pools: Mapping[str, Pool]) -> bool:
                pool = pools[self._pool]
                news.report(pool)
                for new in set(pool.tasks) - set(known.tasks):
                    if not samples or samples[-1].state != "healthy":
                        samples.append(pool.sample(new))
                return _settled(pool, TARGETS + 1)

            await self._running.until("a further target", taken_in)
            await asyncio.sleep(SETTLE)
        self._show(await self._main(), replies)
        self._judge(expectations.nothing_before_the_first_check(samples))
        await self._burst_is_even()

    async def _by_weight(self, before: Mapping[str, Pool]) -> None:
        # `pools` puts those with containers first: a second one rather than the Lambda functions
        others = [pool for pool in before.values() if pool.name != self._pool]
        title = f"Weights {WEIGHTS[0]}:{WEIGHTS[1]}"
        if not others:
            self._screen.step(5, title, "needs a second pool; this environment has one")
            return
        second, *rest = (pool.name for pool in others)
        weights = {self._pool: WEIGHTS[0], second: WEIGHTS[1]}
        total = TURNS * sum(WEIGHTS)
        self._screen.step(5, title, f"{total} requests over the pools {self._pool} and {second}")
        await self._weigh({**weights, **dict.fromkeys(rest, 0)})
        if others[0].desired == 0:
            await self._running.order(f"pools/{second}", {"desired": 1})
            await self._running.until(
                f"a target in {second}", lambda pools: _settled(pools[second], 1)
            )
        tally = await self._traffic.burst(total, CLIENTS, [self._pool, second])
        self._judge(expectations.all_succeeded(tally.statuses))
        self._judge(expectations.by_weight(by_pool(tally.replies), weights))

    async def _burst_is_even(self) -> None:
        tally = await self._traffic.burst(REQUESTS, CLIENTS, [self._pool])
        pool = await self._main()
        by_target = self._traffic.counts(tally.replies)
        self._judge(expectations.all_succeeded(tally.statuses))
        counts = [by_target[name] for name in pool.targets]
        self._judge(expectations.even(counts, REQUESTS, pool.algorithm or ""))

    async def _main(self) -> Pool:
        return (await self._running.pools())[self._pool]

    async def _scale(self, desired: int) -> None:
        await self._running.order(f"pools/{self._pool}", {"desired": desired})
        await self._running.until(
            f"{desired} healthy targets in {self._pool}",
            lambda pools: _settled(pools[self._pool], desired),
        )

    async def _weigh(self, weights: Mapping[str, int]) -> None:
        """The heavy first: a rule is never left without any weight."""
        for pool, weight in sorted(weights.items(), key=lambda item: -item[1]):
            await self._running.order(f"pools/{pool}", {"weight": weight})

    async def _put_back(self, before: Mapping[str, Pool]) -> None:
        await self._weigh({pool.name: pool.weight for pool in before.values()})
        for pool in before.values():
            if pool.desired is not None:
                await self._running.order(f"pools/{pool.name}", {"desired": pool.desired})
            if pool.autoscaling:
                await self._running.order(f"pools/{pool.name}", {"autoscaling": True})

    def _show(self, pool: Pool, replies: Sequence[Reply]) -> None:
        self._screen.show(self._traffic.served(pool, replies) + losses(replies))

    def _judge(self, verdict: Verdict) -> None:
        self._met.append(verdict.met)
        self._screen.verdict(verdict.expected, verdict.seen, met=verdict.met)


class _News:
    """Reports targets that come, change and go."""

    def __init__(self, screen: Screen, since: float, known: Pool) -> None:
        self._screen = screen
        self._since = since
        self._known = _states(known)

    def report(self, pool: Pool) -> None:
        known, states = self._known, _states(pool)
        self._known = states
        for name in {**known, **states}:
            if known.get(name) != states.get(name):
                reason = pool.targets.get(name, {}).get("reason")
                text = f"{name} {states.get(name, 'gone')}{f' ({reason})' if reason else ''}"
                self._screen.event(time.monotonic() - self._since, text)


def _states(pool: Pool) -> dict[str, str]:
    """The state of every target, by id; "starting" before the load balancer knows it."""
    registered = {name: str(target["state"]) for name, target in pool.targets.items()}
    return dict.fromkeys(pool.tasks, "starting") | registered


def _settled(pool: Pool, targets: int) -> bool:
    """That many targets and no others, all healthy and out of their slow start."""
    ramped = all(target.get("share", 1) >= 1 for target in pool.targets.values())
    return ramped and len(pool.targets) == len(pool.healthy()) == len(pool.tasks) == targets


def _as_before(before: Mapping[str, Pool], now: Mapping[str, Pool]) -> bool:
    return all(
        (now[name].weight, now[name].desired, now[name].autoscaling)
        == (pool.weight, pool.desired, pool.autoscaling)
        and (pool.desired is None or _settled(now[name], pool.desired))
        for name, pool in before.items()
    )
