"""The permission check of every call of the AWS server.

Until the emulator has sent the account's roles and sessions, all calls are let through: then
nothing but itself calls.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from aiohttp import web
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.kms.models import kms_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.sqs.models import sqs_backends

from emulator import credentials
from emulator.iam import errors
from emulator.iam.account import Account
from emulator.iam.authority import ENFORCE, OFF, Authority, Denial, Need, UnknownKey
from emulator.iam.calls import call as calls
from emulator.iam.calls import s3, table
from emulator.iam.calls.call import Call, Place
from emulator.iam.errors import Error

PATH = "/_local/permissions"
DENIED = "denied "  # before the JSON of a denial, on standard output


class Permissions:
    """`PUT /_local/permissions` with an account's JSON sets its roles and sessions."""

    def __init__(self) -> None:
        self._authority: Authority | None = None
        self._names = MotoNames("us-east-1")
        self._place = Place(DEFAULT_ACCOUNT_ID, "us-east-1")

    def add_routes(self, app: web.Application) -> None:
        async def put(request: web.Request) -> web.Response:
            account = Account.parsed(await request.json())
            self._names = MotoNames(account.region)
            self._place = Place(account.account, account.region, account.partition)
            self._authority = Authority(account, time.time)
            return web.Response(status=204)

        app.router.add_put(PATH, put)

    def error(self, request: web.Request, body: bytes) -> Error | None:
        """The response to a call that is not allowed; None to any other."""
        authority = self._authority
        if authority is None or authority.account.mode == OFF:
            return None
        found = credentials.CREDENTIAL.search(request.headers.get("Authorization", ""))
        if found is not None and found[1] == credentials.ACCESS_KEY:
            return None  # the administrator, who makes most calls: the rest need not be read
        query = list(request.query.items())
        call = calls.read(request.method, request.path, query, request.headers, body)
        if call.service == "s3" and not call.access_key:
            return None  # of nobody: forms and anonymous requests, see emulator.aws.s3
        if not call.access_key:
            needless = not call.service or _needs_no_signature(call)
            return None if needless else errors.unsigned(call)
        needs = table.needs(call, self._place, self._names, body)
        return self._checked(authority, call, needs, _common(request.headers))

    def form_error(self, form: Mapping[str, str], bucket: str) -> Error | None:
        """The error of a presigned form, whose fields have names in lower case."""
        if self._authority is None or self._authority.account.mode == OFF:
            return None
        access_key = form.get("x-amz-credential", "").partition("/")[0]
        token = form.get("x-amz-security-token")
        call = Call("s3", "", calls.S3, access_key=access_key, token=token, presigned=True)
        needs = s3.form_needs(self._place.partition, bucket, form.get("key", ""))
        return self._checked(self._authority, call, needs, {})

    def hides_absence(self, request: web.Request) -> bool:
        """Whether S3 says 403 instead of 404 for an object that does not exist."""
        authority = self._authority
        if authority is None or authority.account.mode != ENFORCE:
            return False
        query = list(request.query.items())
        call = calls.read(request.method, request.path, query, request.headers, b"")
        bucket, _, key = request.path.lstrip("/").partition("/")
        if call.service != "s3" or request.method not in ("GET", "HEAD") or not key:
            return False
        try:
            session = authority.session(call.access_key, call.token)
        except UnknownKey:
            return False
        if session is None:
            return False
        need = s3.list_need(self._place.partition, bucket)
        denial = authority.denial(call.access_key, session, [need], _common(request.headers))
        return denial is not None

    def _checked(
        self,
        authority: Authority,
        call: Call,
        needs: list[Need],
        common: Mapping[str, list[str]],
    ) -> Error | None:
        try:
            session = authority.session(call.access_key, call.token)
        except UnknownKey:
            _report(_of_nobody(call))
            return errors.unknown_key(call) if authority.account.mode == ENFORCE else None
        if session is None:
            return None
        denial = authority.denial(call.access_key, session, needs, common)
        if denial is None:
            return None
        _report(denial)
        return errors.denied(call, denial) if authority.account.mode == ENFORCE else None


def _report(denial: Denial) -> None:
    """Reports a denial to the emulator, which reads this process's output."""
    print(DENIED + json.dumps(asdict(denial.shortened())), flush=True, file=sys.stdout)


def _of_nobody(call: Call) -> Denial:
    key, action = call.access_key, f"{call.service}:{call.operation or call.method}"
    return Denial(key, key, action, "*", "because nobody here has this access key and its token")


def _needs_no_signature(call: Call) -> bool:
    if call.service == "cognito-idp":
        return call.operation in table.WITHOUT_SIGNATURE
    return call.protocol == calls.REST and call.method == "GET"  # a pool's public keys


def _common(headers: Mapping[str, str]) -> dict[str, list[str]]:
    return {
        "aws:sourceip": ["127.0.0.1"],
        "aws:useragent": [headers.get("User-Agent", "")],
    }


class MotoNames:
    """See `emulator.iam.calls.call.Names`."""

    def __init__(self, region: str) -> None:
        self._region = region

    def secret(self, identifier: str) -> str | None:
        found = secretsmanager_backends[DEFAULT_ACCOUNT_ID][self._region].secrets.get(identifier)
        return None if found is None else str(found.arn)

    def key(self, identifier: str) -> str | None:
        backend = kms_backends[DEFAULT_ACCOUNT_ID][self._region]
        named = backend.get_alias_name(identifier)
        known = backend.get_key_id_from_alias(named) if named.startswith("alias/") else identifier
        found = backend.keys.get(backend.get_key_id(known or ""))
        return None if found is None else str(found.arn)

    def dead_letter_sources(self, queue: str) -> list[str]:
        queues = sqs_backends[DEFAULT_ACCOUNT_ID][self._region].queues.values()
        return [
            str(each.queue_arn)
            for each in queues
            if each.dead_letter_queue is not None and each.dead_letter_queue.queue_arn == queue
        ]

    def partition_key(self, table: str, index: str | None) -> str | None:
        tables = dynamodb_backends[DEFAULT_ACCOUNT_ID][self._region].tables
        found: Any = tables.get(table.rpartition("/")[2])
        if found is None:
            return None
        if index is None:
            return str(found.hash_key_attr)
        for each in (*found.indexes, *found.global_indexes):
            if each.name == index:
                keys = [key["AttributeName"] for key in each.schema if key["KeyType"] == "HASH"]
                return str(keys[0]) if keys else None
        return None
