"""A device's connection to a backend in memory, and the frames that are under way on it."""

from typing import Any

from lambdas.frames import Frame
from tests.support.backend.gateway import Connection
from tests.support.backend.people import People


class Connected:
    """`up` are the frames on their way to the backend, `down` those on their way here."""

    def __init__(self, user: str, name: str, backend: People) -> None:
        self.user, self.name, self.backend = user, name, backend
        self.connection: Connection | None = None
        self.up: list[Frame] = []
        self.down: list[Any] = []

    @property
    def online(self) -> bool:
        return self.connection is not None

    def post(self, frame: Frame) -> None:
        self.down.append(frame)

    def open_connection(self) -> None:
        self.connection = self.backend.connect(self.user, self.name, self.post)

    def lose_connection(self) -> None:
        if self.connection is not None:
            self.backend.close(self.connection)
            self.connection = None
        self.up.clear()
        self.down.clear()
