"""A sign-in of a user by the routes, with the requests that one installation makes with it."""

from typing import Any

from lambdas.presence import authorize, connection
from tests.support.lambdas import events
from tests.support.lambdas.rest import PASSWORD, Phone, Reply, Rest


class Session:
    """One sign-in of a user, as one installation has it."""

    def __init__(self, api: Rest, user: str, password: str = PASSWORD) -> None:
        self.api, self.user = api, user
        body = {"username": user, "password": password}
        self.tokens = api.request("POST", "/api/sign-in", body).body

    def request(self, method: str, path: str, body: Any = None) -> Reply:
        headers = {"authorization": f"Bearer {self.tokens['access_token']}"}
        return self.api.request(method, path, body, headers=headers)

    def register(self, device: str) -> Reply:
        return self.request(
            "PUT", f"/api/devices/{device}", Phone(self.user, device).registration()
        )

    def remove(self, device: str) -> Reply:
        return self.request("DELETE", f"/api/devices/{device}")

    def ticket(self, device: str) -> Reply:
        return self.request("POST", "/api/tickets", {"device": device})

    def refresh(self) -> Reply:
        body = {"refresh_token": self.tokens["refresh_token"]}
        return self.api.request("POST", "/api/token", body)


def opens(api: Rest, ticket: str, connection_id: str = "late=") -> int:
    """The status of opening a connection with the ticket."""
    policy = authorize.authorize(api.aws, events.authorizer(f"chat.v1, ticket.{ticket}"))
    if policy["policyDocument"]["Statement"][0]["Effect"] != "Allow":
        return 403
    at = int(api.aws.now() * 1000)
    event = events.connect(connection_id=connection_id, at=at, **policy["context"])
    return int(connection.respond(api.aws, event)["statusCode"])
