"""The tables of docs/costs.md, docs/scale.md and `make scale`, as Markdown. No I/O."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isfinite

from bench import prices
from tools.scale import costs
from tools.scale.acts import Act
from tools.scale.behaviour import Behaviour
from tools.scale.limits import in_order, messages_in_one_chat
from tools.scale.model import Load, to_group
from tools.scale.sockets import costs as costs_of_sockets
from tools.scale.sockets import crossing
from tools.scale.storm import storm

USERS = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
GROUPS = (10, 100, 256, 1_024)
CONNECTION_ITEM_BYTES = 100  # of a sample's table of connections: an id, and a user's name


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def acts() -> str:
    """US$ per million of each act, by what it is charged for."""
    head = ["US$ per million", *costs.PARTS, "together"]
    rows = []
    for name, each in costs.ROWS.items():
        found = costs.row(each)
        cells = [f"{found[part]:.2f}" if found[part] >= 0.005 else "" for part in costs.PARTS]
        rows.append([name, *cells, f"**{sum(found.values()):.2f}**"])
    return table(head, rows)


def hour() -> str:
    of_million = costs.connected_hour()
    minute = prices.CONNECTION_MINUTE * prices.MILLION
    return (
        f"A million devices that are connected for an hour each cost **{of_million:.2f}** US$: 60 "
        f"minutes at {minute:.2f} a million, and pings every 270 s. For a month without a "
        f"break it is **{of_million * prices.HOURS:,.0f}**."
    )


def month(users: int, behaviour: Behaviour | None = None) -> str:
    """A month's US$ of so many users, by what is paid for."""
    dollars = Load(users, behaviour or Behaviour()).dollars()
    rows = [[name, f"{value:,.2f}"] for name, value in dollars.items()]
    together = sum(dollars.values())
    rows.append(["**together**", f"**{together:,.2f}**"])
    rows.append(["for each user", f"{together / users:.4f}"])
    return table([f"{users:,} users", "US$ a month"], rows)


def broadcast(online: int) -> Act:
    """A message in the manner of the samples: the table of connections is scanned, and everybody
    gets a post."""
    return Act(
        functions=("Send",),
        reads=online * CONNECTION_ITEM_BYTES / 4096 / 2,
        posts=online,
        rounds=2,
        received=1,
        frames=online,
        sent=online * 300,
    )


def samples() -> str:
    ours = costs.row(costs.ROWS["a message, 1:1, recipient online"])
    rows = [
        [f"{online:,}", f"{costs.per_million(broadcast(online)):,.2f}", f"{sum(ours.values()):.2f}"]
        for online in (10, 100, 1_000, 10_000)
    ]
    return table(["users online", "scan and post to all", "Switchboard, 1:1"], rows)


def twilio(users: int) -> float:
    """US$ a month for active users, by the tiers that are published: up to 20,000."""
    tiers = ((200, 0.0), (5_000, 0.05), (10_000, 0.0475), (20_000, 0.045))
    total, below = 0.0, 0
    for most, price in tiers:
        total += max(0, min(users, most) - below) * price
        below = most
    return total


def hosted() -> str:
    rows = []
    for users in (1_000, 5_000, 20_000):
        ours = sum(Load(users).dollars().values())
        cells = f"{ours:,.0f}", f"{twilio(users):,.0f}", f"{users * 0.10:,.0f}"
        rows.append([f"{users:,}", *cells])
    head = ("users in a month", "Switchboard, on top of prod at rest", "Twilio Conversations")
    return table([*head, "CometChat's price for users above a plan"], rows)


Column = tuple[str, Callable[[Load], float], str]
COLUMNS: tuple[Column, ...] = (
    ("messages a second", lambda load: load.messages, ",.1f"),
    ("frames and posts a second", lambda load: load.peak("requests"), ",.0f"),
    ("write units a second", lambda load: load.peak("writes"), ",.0f"),
    ("read units a second", lambda load: load.peak("reads"), ",.0f"),
    ("executions at once", lambda load: load.concurrency, ",.0f"),
    ("open connections", lambda load: load.connections, ",.0f"),
    ("US$ a month", lambda load: sum(load.dollars().values()), ",.0f"),
    ("US$ a user", lambda load: sum(load.dollars().values()) / load.users, ".3f"),
)


def sizes(users: Sequence[int] = USERS, behaviour: Behaviour | None = None) -> str:
    loads = [Load(each, behaviour or Behaviour()) for each in users]
    rows = [[name, *(f"{of(load):{form}}" for load in loads)] for name, of, form in COLUMNS]
    return table(["in the busiest hour", *(f"{each:,} users" for each in users)], rows)


def limits(behaviour: Behaviour | None = None) -> str:
    be = behaviour or Behaviour()
    rows = [
        [rounded(users), limit.name, f"{limit.most(Load(_people(users), be)):,.0f}", limit.remedy]
        for users, limit in in_order(be)
    ]
    return table(["at users", "limit", "by default", "then"], rows)


def _people(users: float) -> int:
    return int(users) if isfinite(users) else 1


def rounded(users: float) -> str:
    """Two digits: the model is not better than that."""
    if not isfinite(users):
        return "none"
    digits = max(0, len(str(int(users))) - 2)
    return f"{round(users, -digits):,.0f}"


def groups() -> str:
    rows = []
    for members in GROUPS:
        act = to_group(members)
        rows.append(
            [
                f"{members:,}",
                f"{act.writes}",
                f"{act.reads:g}",
                f"{act.posts:,}",
                f"{costs.per_million(act):,.2f}",
                f"{act.duration_ms:,.0f}",
                f"{messages_in_one_chat(members):,.0f}",
            ]
        )
    head = ("members", "write units", "read units", "posts", "US$ per million", "ms")
    return table([*head, "messages a second in one chat, at most"], rows)


STORMS = (
    (10_000, 500.0, 0.0),
    (100_000, 500.0, 0.0),
    (100_000, 120.0, 0.0),
    (100_000, 500.0, 240.0),
    (1_000_000, 500.0, 0.0),
    (1_000_000, 500.0, 600.0),
    (1_000_000, 5_000.0, 300.0),
)


def storms(of: Iterable[tuple[int, float, float]] = STORMS) -> str:
    rows = []
    for clients, rate, window in of:
        found = storm(clients, rate, window)
        times = _time(found.half), _time(found.nearly_all)
        busiest = f"{float(f'{found.busiest:.2g}'):,.0f}"
        asked = f"{window:.0f} s" if window else "none"
        rows.append(
            [f"{clients:,}", f"{rate:,.0f}", asked, *times, f"{found.attempts:.1f}", busiest]
        )
    head = ("connections lost at once", "admitted a second", "reconnect_window", "half are back")
    return table([*head, "99 %", "attempts of each", "attempts in the busiest second"], rows)


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def sockets() -> str:
    """One row where tasks overtake API Gateway, and the sizes."""
    rows = []
    for users in sorted({crossing(), *USERS}):
        found = costs_of_sockets(Load(users))
        row = [f"{users:,}", f"{found.gateway:,.0f}", f"{found.tasks:,.0f}", f"{found.number:,}"]
        rows.append(row)
    return table(["users", "API Gateway and its functions", "tasks and balancer", "tasks"], rows)


BLOCKS: Mapping[str, Mapping[str, Callable[[], str]]] = {
    "docs/costs.md": {
        "acts": acts,
        "hour": hour,
        "month": lambda: month(100_000),
        "samples": samples,
        "hosted": hosted,
        "groups": groups,
    },
    "docs/scale.md": {
        "sizes": sizes,
        "limits": limits,
        "storms": storms,
        "sockets": sockets,
    },
}
