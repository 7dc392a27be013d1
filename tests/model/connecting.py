"""How devices come and go: connections that open, are closed, or die without a word."""

from collections import Counter
from collections.abc import Callable

from lambdas.presence import connection
from lambdas.presence.authorize import authorize
from lambdas.presence.tickets import TICKET_SECONDS
from lambdas.settings import Aws
from lambdas.websocket import Caller
from tests.model.device import Device
from tests.model.gateway import Socket
from tests.model.rest import Rest
from tests.model.world import SKEW_SECONDS, Invocation, World


class Connecting:
    """The connections of a world's devices. $disconnect is best effort: it may come seconds late,
    or never."""

    def __init__(self, world: World, services: Aws, rest: Rest, devices: list[Device]) -> None:
        self._world, self._random, self._devices = world, world.random, devices
        self._services, self._rest = services, rest
        self._serial = 0
        self._tickets: list[str] = []
        self._opened_by: Counter[str] = Counter()  # tickets
        self.problems: list[str] = []
        self._late: list[Callable[[], None]] = []  # $disconnects that are still to come

    # -- what may happen

    def comes(self) -> None:
        away = [device for device in self._devices if not device.connected()]
        often = away and self._random.random() < 0.7
        device = self._random.choice(away if often else self._devices)
        old = device.socket
        if old is not None and old.state == "open":
            if self._random.random() < 0.5:
                self.close(old)
            else:
                self._vanish(old)  # the network changed under it
        self.connect(device)

    def goes(self) -> None:
        device = self._random.choice(self._devices)
        self.leave(device, silently=device.socket is not None and self._random.random() < 0.5)

    def zombie_is_noticed(self) -> None:
        zombies = [each for each in self._world.sockets.values() if not each.client_is_there]
        if zombies:
            self.close(self._random.choice(zombies))

    def late_disconnect_comes(self) -> None:
        if self._late:
            self._late.pop(self._random.randrange(len(self._late)))()

    def old_ticket_is_tried(self) -> None:
        if self._tickets:
            self._authorize(self._random.choice(self._tickets), lambda _: None)

    def all_end(self) -> None:
        """After two hours API Gateway ends every connection. What was late does not come."""
        self._late.clear()
        for socket in list(self._world.sockets.values()):
            self.close(socket)
        for device in self._devices:
            device.socket = None

    def is_backed_up(self) -> None:
        self._random.choice(self._devices).back_up()

    def is_restored(self) -> None:
        self.restore(self._random.choice(self._devices))

    # -- of a device

    def leave(self, device: Device, *, silently: bool = False) -> None:
        """`silently`: its connection is dead, and API Gateway does not know."""
        if device.socket is not None:
            if silently:
                self._vanish(device.socket)
            else:
                self.close(device.socket)
            device.socket = None

    def connect(self, device: Device) -> None:
        self._serial += 1
        socket = Socket(f"c{self._serial}", device.user, device.name)
        device.socket, device.attempt = None, socket
        body = {"device": device.name}

        def got_ticket(task: Invocation) -> None:
            waits = device.attempt is socket  # it has not begun another attempt since
            if waits and not task.failed and task.result.status == 201:
                ticket = task.result.body["ticket"]
                self._tickets.append(ticket)
                self._world.now += 0.002
                at = int(self._world.now * 1000)  # by API Gateway's clock, when it is asked
                self._authorize(ticket, lambda asked_at: self._open(device, socket, at, asked_at))

        self._world.invoke(
            f"ticket of {device.address}",
            lambda: self._rest.request("POST", "/api/tickets", device.token, body),
            got_ticket,
        )
        if not self._world.faults:
            while self._world.tasks:
                self._world.step(self._world.tasks[-1])

    def _authorize(self, ticket: str, allowed: Callable[[int], None]) -> None:
        """The authorizer; API Gateway goes on if it allows the connection."""
        headers = {"Sec-WebSocket-Protocol": f"chat.v1, ticket.{ticket}"}
        event = {"headers": headers, "methodArn": "arn"}

        def ended(task: Invocation) -> None:
            if task.failed:
                return
            (statement,) = task.result["policyDocument"]["Statement"]
            if statement["Effect"] == "Allow":
                self._opened_by[ticket] += 1
                asked_at = int(task.result["context"]["asked_at"])
                if self._opened_by[ticket] > 1:
                    self.problems.append(f"a ticket serves twice: {task.result}")
                if task.started - asked_at / 1000 > TICKET_SECONDS + 1 + 2 * SKEW_SECONDS:
                    self.problems.append(f"an old ticket serves: {task.result}")
                allowed(asked_at)

        self._world.invoke("authorizer", lambda: authorize(self._services, event), ended)

    def _open(self, device: Device, socket: Socket, at: int, asked_at: int) -> None:
        self._world.sockets[socket.connection_id] = socket
        caller = Caller(device.user, device.name, socket.connection_id)

        def ended(task: Invocation) -> None:
            """API Gateway opens the connection if its function says so, and only then."""
            allowed = not task.failed and task.result["statusCode"] == 200
            if not allowed or socket.state != "opening":
                socket.state = "closed"
                return
            socket.state, socket.opened_at = "open", self._world.now
            if device.attempt is socket and device in self._devices:
                device.opened(socket, self._world.now)
            else:
                socket.client_is_there = False

        self._world.invoke(
            f"$connect of {device.address}",
            lambda: connection.connect(self._services, caller, at, asked_at),
            ended,
        )

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

        if self._world.fault("$disconnect never", 0.2):
            return
        if self._world.fault("$disconnect late", 0.3):
            self._late.append(disconnect)
        else:
            disconnect()

    def close_zombies(self) -> None:
        for socket in list(self._world.sockets.values()):
            if not socket.client_is_there:
                self.close(socket)

    def _vanish(self, socket: Socket) -> None:
        self._world.drawn["a connection that dies without a word"] += 1
        socket.client_is_there = False
        socket.inbox.clear()
