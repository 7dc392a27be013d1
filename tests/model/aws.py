"""The AWS clients of a model's functions: a world's services, over networks that fail."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

from botocore.exceptions import ConnectTimeoutError

from lambdas.settings import Aws, Settings
from tests.model.faults import Unreliable
from tests.model.gateway import Gateway
from tests.model.push_queue import Sns, Sqs
from tests.model.world import ENVIRONMENT, PEOPLE, World
from tests.support.backend.user_pool import UserPool


class ModelAws(Aws):
    """The functions' services, over the world."""

    def __init__(self, world: World) -> None:
        super().__init__(Settings(ENVIRONMENT))
        self._world = world
        self.gateway = Gateway(world)
        vars(self).update(
            dynamodb=Unreliable(world),
            connections=self.gateway,
            sqs=Sqs(world),
            sns=Sns(world),
            background=Beside(world),
            cognito=UserPool(world.clock, self._before_cognito),
        )
        self.cognito.passwords |= dict.fromkeys(PEOPLE, "")  # type: ignore[attr-defined]

    def _before_cognito(self, operation: str) -> None:
        self._world.before_call(operation)
        if self._world.fault("Cognito: lost", 0.03):
            raise ConnectTimeoutError(endpoint_url="cognito")

    def random(self, length: int) -> str:
        """Not random: a schedule that is repeated goes the same way."""
        return f"number-{self._world.number():0{length}d}"

    def now(self) -> float:
        return self._world.clock()

    def sleep(self, seconds: float) -> None:
        self._world.sleep(seconds)


class Beside(Executor):
    """Runs what is to run beside something else before it, or after it."""

    def __init__(self, world: World) -> None:
        self._world = world

    def submit(self, work: Any, /, *arguments: Any, **named: Any) -> "Future[Any]":
        later = Later(lambda: work(*arguments, **named))
        if self._world.random.random() < 0.5:
            later.run()
        return later


class Later(Future[Any]):
    def __init__(self, work: Callable[[], Any]) -> None:
        super().__init__()
        self._work = work

    def run(self) -> None:
        try:
            self.set_result(self._work())
        except Exception as fault:
            self.set_exception(fault)

    def result(self, timeout: float | None = None) -> Any:
        if not self.done():
            self.run()
        return super().result(timeout)
