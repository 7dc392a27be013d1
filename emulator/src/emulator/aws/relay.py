"""The relay of pushes: what is published to platform endpoints goes on to FCM and APNs."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from emulator.aws.apns import ApnsSender
from emulator.aws.fcm import FcmSender
from emulator.aws.feedback import Feedback
from emulator.aws.outcome import Outcome, Result

RETRIES = (0.2, 1.0, 5.0)  # seconds; SNS tries for hours, which nobody waits for on a laptop


@dataclass
class Relay:
    """`deliver` returns at once, as Publish does, the message's id; its outcome shows in the
    endpoint, and in the log of `feedback`."""

    fcm: FcmSender
    apns: ApnsSender
    feedback: Feedback = field(default_factory=Feedback)
    retries: tuple[float, ...] = RETRIES
    _running: set[asyncio.Task[None]] = field(default_factory=set)

    def deliver(
        self, endpoint: Any, payload: str, attributes: Mapping[str, Mapping[str, Any]]
    ) -> str:
        """`endpoint` is moto's; `payload` the message's entry for the endpoint's platform."""
        message_id = str(uuid.uuid4())
        delivery = self._deliver(endpoint, message_id, payload, attributes)
        task = asyncio.get_running_loop().create_task(delivery)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return message_id

    async def _deliver(
        self,
        endpoint: Any,
        message_id: str,
        payload: str,
        attributes: Mapping[str, Mapping[str, Any]],
    ) -> None:
        token, published, attempts = endpoint.attributes["Token"], time.time(), 0
        for pause in (*self.retries, None):
            attempts += 1
            try:
                result = await self._send(endpoint.application, token, payload, attributes)
            except (httpx.HTTPError, ValueError, KeyError) as error:
                print(f"sns: {endpoint.arn}: {error!r}", flush=True)
                result = _result_of(error)
            if result.outcome is Outcome.unregistered and endpoint.attributes["Token"] == token:
                endpoint.attributes["Enabled"] = False
            if result.outcome is not Outcome.try_again or pause is None:
                break
            await asyncio.sleep(pause)
        if result.outcome is not Outcome.delivered:
            print(f"sns: {endpoint.arn}: {result.outcome.value}", flush=True)
        self.feedback.write(endpoint, message_id, published, attempts, result)

    async def _send(
        self,
        application: Any,
        token: str,
        payload: str,
        attributes: Mapping[str, Mapping[str, Any]],
    ) -> Result:
        if application.platform == "GCM":
            request = fcm_request(payload, token)
            return await self.fcm.send(application.attributes["PlatformCredential"], request)
        return await self.apns.send(
            application.platform, application.attributes, token, apns_payload(payload), attributes
        )


def _result_of(error: Exception) -> Result:
    """A server that cannot be reached may come back; a payload or credential that cannot be read
    will not get better."""
    if isinstance(error, httpx.TransportError):
        return Result(Outcome.try_again, text=repr(error))
    if isinstance(error, httpx.HTTPStatusError):
        status, text = error.response.status_code, error.response.text
        return Result(Outcome.try_again if status >= 500 else Outcome.rejected, status, text)
    return Result(Outcome.rejected, text=repr(error))


def fcm_request(payload: str, token: str) -> dict[str, Any]:
    """The HTTP v1 request SNS makes of a GCM entry: `fcmV1Message` as it is, the legacy form
    translated, a plain text as data. Source: SNS developer guide, "FCM v1 payloads"."""
    try:
        given = json.loads(payload)
    except ValueError:
        given = {"data": {"default": payload}}
    if "fcmV1Message" in given:
        request = dict(given["fcmV1Message"])
        return request | {"message": request["message"] | {"token": token}}
    passed_on = {key: given[key] for key in ("data", "notification") if key in given}
    return {"message": passed_on | {"token": token}}


def apns_payload(payload: str) -> dict[str, Any]:
    try:
        given = json.loads(payload)
    except ValueError:
        given = None
    return given if isinstance(given, dict) else {"aps": {"alert": payload}}
