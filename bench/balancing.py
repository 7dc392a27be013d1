"""The local load balancer beside nginx, HAProxy and Traefik: same backends, same run.

One request is a small GET over a kept connection, 32 at a time; each proxy has one worker. The
rounds take turns, so that whatever else the machine does meets all of them; a figure is the
median of its rounds, a ratio that of the rounds' ratios.
"""

import statistics
from collections.abc import Callable
from contextlib import ExitStack

from bench.loader import CONNECTIONS, Load, Loader, loader
from bench.proxies import BACKENDS, Subject, subjects
from bench.table import Row, within

ROUNDS = 5
SECONDS = 1.5
LEAST_SHARE = 0.45  # of nginx's requests/s
MOST_ADDED = 2.5  # times nginx's added p50


def rows() -> list[Row]:
    with ExitStack() as stack:
        found = subjects(stack)
        load = loader()
        rounds = _rounds(found, load)
    how = f"{load.name}, {CONNECTIONS} connections, {BACKENDS} backends"
    table = [Row("loaded by", how)]
    table += [Row(subject.name, _line(subject.name, rounds)) for subject in found]
    share = _over(rounds, lambda one: one["ours"].per_second / one["nginx"].per_second)
    added = _over(rounds, lambda one: _added(one, "ours", 0.5) / _added(one, "nginx", 0.5))
    budgets = [
        Row(
            "ours, requests/s as a share of nginx's",
            f"{share:.2f}",
            f"≥ {LEAST_SHARE:g}",
            share >= LEAST_SHARE,
        ),
        within("ours, added p50 over nginx's", added, MOST_ADDED, "x"),
    ]
    if load.outpaces_the_proxies:
        return [*table, *budgets]
    return [*table, *(row._replace(budget=f"{row.budget}, with wrk", met=None) for row in budgets)]


def _rounds(found: list[Subject], load: Loader) -> list[dict[str, Load]]:
    for subject in found:  # connections to the backends are open then, and code is warm
        load(subject, 0.5)
    return [{subject.name: load(subject, SECONDS) for subject in found} for _round in range(ROUNDS)]


def _line(name: str, rounds: list[dict[str, Load]]) -> str:
    per_second = _over(rounds, lambda one: one[name].per_second)
    cpu = _over(rounds, lambda one: one[name].cpu_microseconds)
    if name == "direct":
        p50 = _over(rounds, lambda one: one[name].quantiles[0.5])
        p99 = _over(rounds, lambda one: one[name].quantiles[0.99])
        return f"{per_second:,.0f} requests/s, p50 {p50:.2f} ms, p99 {p99:.2f} ms"
    share = _over(rounds, lambda one: one[name].per_second / one["direct"].per_second)
    p50 = _over(rounds, lambda one: _added(one, name, 0.5))
    p99 = _over(rounds, lambda one: _added(one, name, 0.99))
    return (
        f"{per_second:,.0f} requests/s ({share:.2f} of direct), added p50 {p50:.2f} ms, "
        f"p99 {p99:.2f} ms, CPU {cpu:.0f} us/request"
    )


def _added(one: dict[str, Load], name: str, quantile: float) -> float:
    return one[name].quantiles[quantile] - one["direct"].quantiles[quantile]


def _over(rounds: list[dict[str, Load]], figure: Callable[[dict[str, Load]], float]) -> float:
    return statistics.median(figure(one) for one in rounds)
