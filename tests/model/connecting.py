"""How devices come and go: connections that open, are closed, or die without a word."""

from collections.abc import Callable

from lambdas.presence import connection
from lambdas.settings import Aws
from lambdas.websocket import Caller
from tests.model.device import Device
from tests.model.gateway import Socket
from tests.model.world import World


class Connecting:
    """The connections of a world's devices. $disconnect is best effort: it may come seconds late,
    or never."""

    def __init__(self, world: World, services: Aws, devices: list[Device]) -> None:
        self._world, self._random, self._devices = world, world.random, devices
        self._services = services
        self._serial = 0
        self._late: list[Callable[[], None]] = []  # $disconnects that are still to come

    # -- what may happen

    def comes(self) -> None:
        device = self._random.choice(self._devices)
        old = device.socket
        if old is not None and old.state == "open":
            if self._random.random() < 0.5:
                self.close(old)
            else:
                self._vanish(old)  # the network changed under it
        self.connect(device)

    def goes(self) -> None:
        device = self._random.choice(self._devices)
        if device.socket is not None:
            if self._random.random() < 0.5:
                self._vanish(device.socket)
            else:
                self.close(device.socket)
            device.socket = None

    def zombie_is_noticed(self) -> None:
        zombies = [each for each in self._world.sockets.values() if not each.client_is_there]
        if zombies:
            self.close(self._random.choice(zombies))

    def late_disconnect_comes(self) -> None:
        if self._late:
            self._late.pop(self._random.randrange(len(self._late)))()

    def is_backed_up(self) -> None:
        self._random.choice(self._devices).back_up()

    def is_restored(self) -> None:
        self.restore(self._random.choice(self._devices))

    # -- of a device

    def connect(self, device: Device) -> None:
        self._serial += 1
        socket = Socket(f"c{self._serial}", device.user, device.name)
        self._world.sockets[socket.connection_id] = socket
        caller = Caller(device.user, device.name, socket.connection_id)
        self._world.now += 0.002
        at = int(self._world.now * 1000)
        device.socket, device.attempt = None, socket

        def work() -> None:
            response = connection.connect(self._services, caller, at, asked_at=at)
            if response["statusCode"] == 200 and socket.state == "opening":
                socket.state, socket.opened_at = "open", self._world.now
                if device.attempt is socket and device in self._devices:
                    device.opened(socket)
                else:
                    socket.client_is_there = False
            else:
                socket.state = "closed"

        task = self._world.invoke(f"$connect of {device.address}", work)
        if not self._world.faults:
            while not task.done:
                self._world.step(task)

    def everybody_comes_back(self) -> None:
        """So that much is caught up with while things still fail; some have lost their stores."""
        for device in self._devices:
            if self._random.random() < 0.3:
                self.restore(device)
            if not device.connected():
                self.connect(device)

    def restore(self, device: Device) -> None:
        if device.socket is not None:
            self.close(device.socket)
            device.socket = None
        device.attempt = None
        device.restore()

    def close(self, socket: Socket) -> None:
        """API Gateway sees it end."""
        if socket.state != "open":
            return
        self._world.say(f"  {socket.connection_id} of {socket.address} is closed")
        socket.state = "closed"
        caller = Caller(socket.user, socket.device, socket.connection_id)

        def disconnect() -> None:
            self._world.invoke(
                f"$disconnect of {socket.address}",
                lambda: connection.disconnect(self._services, caller),
            )

        if self._world.chance(0.2):
            return
        if self._world.chance(0.3):
            self._late.append(disconnect)
        else:
            disconnect()

    def close_zombies(self) -> None:
        for socket in list(self._world.sockets.values()):
            if not socket.client_is_there:
                self.close(socket)

    def _vanish(self, socket: Socket) -> None:
        socket.client_is_there = False
        socket.inbox.clear()
