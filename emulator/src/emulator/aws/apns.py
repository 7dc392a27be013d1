"""The sender to APNs in place of SNS's: HTTP/2, with a signed provider token.

Source: Apple, "Sending notification requests to APNs", "Establishing a token-based connection to
APNs", "Handling notification responses from APNs".
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import jwt

from emulator.aws.outcome import Outcome, Result

_RENEW = 40 * 60  # seconds; APNs rejects tokens older than an hour, and renewals within 20 minutes
_DEAD = {"BadDeviceToken", "DeviceTokenNotForTopic", "ExpiredToken", "Unregistered"}
_PREFIX = "AWS.SNS.MOBILE.APNS."


@dataclass
class ApnsSender:
    """`http` must speak HTTP/2; `servers` maps APNS and APNS_SANDBOX to their base URLs."""

    http: httpx.AsyncClient
    servers: Mapping[str, str]
    now: Callable[[], float] = time.time
    _tokens: dict[tuple[str, str], tuple[str, float]] = field(default_factory=dict)

    async def send(
        self,
        platform: str,
        application: Mapping[str, str],
        device_token: str,
        payload: Mapping[str, Any],
        attributes: Mapping[str, Mapping[str, Any]],
    ) -> Result:
        """Post one payload; `application` are the platform application's attributes and
        `attributes` the message's (`AWS.SNS.MOBILE.APNS.PUSH_TYPE` and its like)."""
        response = await self.http.post(
            f"{self.servers[platform]}/3/device/{device_token}",
            content=json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode(),
            headers={
                "authorization": f"bearer {self._provider_token(application)}",
                **headers(application, payload, attributes, int(self.now())),
            },
        )
        status, text = response.status_code, response.text
        return Result(judge(status, text), status, text)

    def _provider_token(self, application: Mapping[str, str]) -> str:
        key_id, team = application["PlatformPrincipal"], application["ApplePlatformTeamID"]
        known, made = self._tokens.get((key_id, team), ("", 0.0))
        if known and self.now() - made < _RENEW:
            return known
        token = jwt.encode(
            {"iss": team, "iat": int(self.now())},
            application["PlatformCredential"],
            algorithm="ES256",
            headers={"kid": key_id},
        )
        self._tokens[key_id, team] = (token, self.now())
        return token


def headers(
    application: Mapping[str, str],
    payload: Mapping[str, Any],
    attributes: Mapping[str, Mapping[str, Any]],
    now: int,
) -> dict[str, str]:
    """The APNs request headers SNS derives from a publish."""
    given = {
        name.removeprefix(_PREFIX): str(value["Value"])
        for name, value in attributes.items()
        if name.startswith(_PREFIX)
    }
    silent = set(payload.get("aps", {})) == {"content-available"}
    made = {
        "apns-topic": given.get("TOPIC", application["ApplePlatformBundleID"]),
        "apns-push-type": given.get("PUSH_TYPE", "background" if silent else "alert"),
        "apns-priority": given.get("PRIORITY", "5" if silent else "10"),
    }
    if "COLLAPSE_ID" in given:
        made["apns-collapse-id"] = given["COLLAPSE_ID"]
    if "TTL" in given:
        made["apns-expiration"] = str(now + int(given["TTL"])) if int(given["TTL"]) else "0"
    return made


def judge(status: int, text: str) -> Outcome:
    """The outcome that SNS derives from APNs' response: tokens APNs does not know disable the
    endpoint."""
    if status == 200:
        return Outcome.delivered
    if status == 429 or status >= 500:
        return Outcome.try_again
    try:
        reason = json.loads(text).get("reason")
    except (ValueError, AttributeError):
        reason = None
    return Outcome.unregistered if status == 410 or reason in _DEAD else Outcome.rejected
