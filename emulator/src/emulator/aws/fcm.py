"""The sender to FCM in place of SNS's: HTTP v1, with a token from a service account.

Source: FCM "Migrate from legacy to HTTP v1", "ErrorCode"; Google "OAuth 2.0 for server to server".
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

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_SPARE = 60  # seconds before its end that an access token is not used any more


@dataclass
class FcmSender:
    """`server` is what stands for https://fcm.googleapis.com; access tokens come from the
    `token_uri` inside the credential."""

    http: httpx.AsyncClient
    server: str
    now: Callable[[], float] = time.time
    _tokens: dict[str, tuple[str, float]] = field(default_factory=dict)

    async def send(self, credential: str, request: Mapping[str, Any]) -> Result:
        """Post one `{"message": {"token", ...}}`; `credential` is the service account's JSON."""
        account = json.loads(credential)
        url = f"{self.server}/v1/projects/{account['project_id']}/messages:send"
        for attempt in (1, 2):
            token = await self._access_token(account)
            response = await self.http.post(
                url, json=request, headers={"authorization": f"Bearer {token}"}
            )
            if response.status_code != 401 or attempt == 2:
                break
            del self._tokens[account["client_email"]]  # it was revoked before it expired
        status, text = response.status_code, response.text
        return Result(judge(status, text), status, text)

    async def _access_token(self, account: Mapping[str, str]) -> str:
        name, now = account["client_email"], self.now()
        known, ends = self._tokens.get(name, ("", 0.0))
        if now < ends - _SPARE:
            return known
        claims = {
            "iss": name,
            "scope": SCOPE,
            "aud": account["token_uri"],
            "iat": int(now),
            "exp": int(now) + 3600,
        }
        assertion = jwt.encode(
            claims,
            account["private_key"],
            algorithm="RS256",
            headers={"kid": account.get("private_key_id", "")},
        )
        response = await self.http.post(
            account["token_uri"], data={"grant_type": _GRANT, "assertion": assertion}
        )
        response.raise_for_status()
        granted = response.json()
        self._tokens[name] = (granted["access_token"], now + float(granted["expires_in"]))
        return str(granted["access_token"])


def judge(status: int, text: str) -> Outcome:
    """The outcome that SNS derives from FCM's response: tokens FCM does not know disable the
    endpoint."""
    if status == 200:
        return Outcome.delivered
    if status == 429 or status >= 500:
        return Outcome.try_again
    codes = _error_codes(text)
    if {"UNREGISTERED", "SENDER_ID_MISMATCH"} & codes or "message.token" in codes:
        return Outcome.unregistered
    return Outcome.rejected


def _error_codes(text: str) -> set[str]:
    try:
        error = json.loads(text)["error"]
    except (ValueError, KeyError, TypeError):
        return set()
    details = error.get("details", [])
    codes = {detail["errorCode"] for detail in details if "errorCode" in detail}
    fields = {
        violation.get("field")
        for detail in details
        for violation in detail.get("fieldViolations", [])
    }
    if "registration token" in error.get("message", ""):
        fields.add("message.token")
    return codes | fields
