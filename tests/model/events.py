"""A model's events that nobody causes: delivery watch, push function, late requests, time."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from lambdas.delivery import delivery_watch, push
from lambdas.settings import Aws
from tests.model.connecting import Connecting
from tests.model.dynamodb import ConditionalCheckFailed, TransactionCanceled
from tests.model.expressions import Item
from tests.model.stream import Shard
from tests.model.world import TABLES, Invocation, World
from tests.support.backend.push_queue import FifoQueue, Queued

DAY = 86_400.0
WATCH_SECONDS, PUSH_SECONDS = 60.0, 30.0  # their timeouts
Place = tuple[str, str]  # user, chat


class Events:
    """The event sources of the delivery watch and of the push function, and the clock."""

    def __init__(self, world: World, services: Aws, connecting: Connecting) -> None:
        self._world, self._random, self._services = world, world.random, services
        self._connecting = connecting
        self.has_days = self._random.random() < 0.3
        # devices that the jobs under way name, by user and chat
        self.named: dict[Place, Counter[str]] = {}

    # -- what may happen

    def resume(self) -> None:
        """Half the time the newest, so that some are overtaken again and again; some calls of it."""
        tasks = self._world.tasks
        if tasks:
            newest = self._random.random() < 0.5
            task = tasks[-1] if newest else self._random.choice(tasks)
            for _ in range(self._random.choice((1, 1, 2, 6))):
                if not task.done:
                    self._world.step(task)

    def kill(self) -> None:
        if self._world.tasks:
            self._world.step(self._random.choice(self._world.tasks), kill=True)

    def request_arrives_late(self) -> None:
        waiting = self._world.in_flight
        if waiting:
            self._arrives(waiting.pop(self._random.randrange(len(waiting))))

    def time_passes(self) -> None:
        """Mostly functions end meanwhile; some have stood still, and end at their timeout."""
        if self._random.random() < 0.7:
            self.finish()
        self._world.now += self._random.choice((0.5, 3, 8, 20))

    def days_pass(self) -> None:
        """Every connection ends, and messages expire; DynamoDB deletes them within two days."""
        if not self.has_days:
            return
        self._world.say("  days pass")
        self._world.drawn["days pass"] += 1
        self.late_requests_arrive()
        self._connecting.all_end()
        self._world.now += self._random.choice((0.3, 3, 29, 31)) * DAY
        for table in TABLES:
            for item in self._world.database.expired(table, self._world.now - 2 * DAY):
                self._ttl_deletes(table, item)

    def ttl_deletes(self) -> None:
        table = self._random.choice(("Chats", "Chats", "Users", "Tickets"))
        expired = self._world.database.expired(table, self._world.now)
        for item in self._random.sample(expired, min(3, len(expired))):
            self._ttl_deletes(table, item)

    def _ttl_deletes(self, table: str, item: Item) -> None:
        self._world.drawn[f"TTL deletes from {table}"] += 1
        self._world.stream.by_ttl = True
        key = {name: item[name] for name in TABLES[table]}
        self._world.database.delete_item(TableName=table, Key=key)
        self._world.stream.by_ttl = False

    def watch_runs(self) -> None:
        """On a shard that it does not run on; sometimes twice at once, as a batch may be given to
        two functions."""
        waiting = [shard for shard in self._world.stream.shards if shard.waits]
        if waiting:
            self._watch(self._random.choice(waiting), self._random.randint(1, 20))

    def push_runs(self) -> None:
        """On the next jobs of some groups: one, or a batch."""
        free = self._world.queue.free_groups()
        if free:
            groups = self._random.sample(free, self._random.randint(1, len(free)))
            self._push(self._world.queue.batch(groups, self._random.choice((1, 2, 10))))

    # -- at rest

    def all_of_it(self) -> None:
        """Whatever waits for the two functions."""
        for shard in self._world.stream.shards:
            if shard.waits:
                self._watch(shard, 1000)
        self.finish()
        while batch := self._world.queue.batch():
            self._push(batch)
        self.finish()

    def finish(self) -> None:
        while self._world.tasks:
            self._world.step(self._world.tasks[0])

    def late_requests_arrive(self) -> None:
        while self._world.in_flight:
            self._arrives(self._world.in_flight.pop())

    # -- each

    def _arrives(self, request: Callable[[], Any]) -> None:
        self._world.say("  a late request arrives")
        self._world.drawn["DynamoDB: arrives late"] += 1
        try:
            request()
        except Exception as refused:  # its condition; whoever sent it waits no more
            assert isinstance(refused, ConditionalCheckFailed | TransactionCanceled), refused

    def _watch(self, shard: Shard, size: int) -> None:
        records = shard.take(size)

        def work() -> set[str]:
            event = {"Records": records}
            answer = delivery_watch.watch(self._services, event, self._world.sleep)
            return {each["itemIdentifier"] for each in answer["batchItemFailures"]}

        def ended(task: Invocation) -> None:
            _require_no_error(task)
            again = self._world.fault("the watch: a batch twice", 0.1)
            self._world.drawn["the watch: a batch in halves"] += task.failed
            self._world.drawn["the watch: from a record"] += bool(task.result)
            shard.ended(None if task.failed else task.result, again=again)

        self._world.invoke("watch", work, ended, WATCH_SECONDS)
        if self._world.fault("the watch: twice at once", 0.1):
            beside = "watch beside it"
            self._world.invoke(beside, work, _require_no_error, lifetime=WATCH_SECONDS)

    def _push(self, batch: list[Queued]) -> None:
        event = FifoQueue.event(batch)
        for each in batch:
            named = self.named.setdefault((each.job.user, each.job.chat), Counter())
            named.update(each.job.devices)

        def ended(task: Invocation) -> None:
            _require_no_error(task)
            for each in batch:
                self.named[each.job.user, each.job.chat].subtract(each.job.devices)
            failed = {str(each.number) for each in batch}
            if not task.failed and not self._world.fault(
                "a push: its jobs again", 0.05
            ):  # they may not be deleted in time
                failed = {each["itemIdentifier"] for each in task.result["batchItemFailures"]}
                self._world.drawn["a push: some of its jobs fail"] += bool(failed)
            self._world.queue.done(batch, failed)

        jobs = ", ".join(each.group for each in batch)
        self._world.invoke(
            f"push to {jobs}",
            lambda: push.push_all(self._services, event),
            ended,
            PUSH_SECONDS,
        )


def _require_no_error(task: Invocation) -> None:
    """Both functions report what failed as batch item failures, unless their process ends."""
    if isinstance(task.result, Exception):
        raise task.result
