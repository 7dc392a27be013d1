"""The servers that stand in for AWS, FCM, APNs and Web Push. They need no template."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from emulator.addresses import Addresses
from emulator.aws.process import AwsServer, ServerAddresses
from emulator.child_processes import ChildProcesses
from emulator.iam.denials import Denials
from emulator.listening import HOST, Port, number
from emulator.push.apns import ApnsServer
from emulator.push.apns_rules import Provider as ApnsProvider
from emulator.push.fcm import FcmServer, ServiceAccount
from emulator.push.phones import Phones
from emulator.push.web_push import WebPushServer
from emulator.runtime import push_credentials
from emulator.runtime.options import Options
from emulator.runtime.ports import Ports
from emulator.runtime.push_credentials import PushCredentials
from emulator.template.place import Place
from emulator.traces.ring import Ring

API_ID = "local0ws1d"


class Servers:
    """`addresses` says how everything reaches everything; `credentials` are what FCM and APNs
    accept; `report` gets what is denied for the first time."""

    def __init__(
        self,
        options: Options,
        ports: Ports,
        credentials: PushCredentials,
        children: ChildProcesses,
        report: Callable[[str], None],
    ) -> None:
        self.options = options
        self.ports = ports
        self.credentials = credentials
        self.children = children
        self.place = Place()
        self.ring = Ring(time.time)
        self.phones = Phones(time.time, self.ring)
        self.fcm = self._fcm()
        self.apns = self._apns()
        self.web_push = WebPushServer(port=ports.web_push, phones=self.phones)
        log = options.logs / "denials.log"
        self.denials = Denials(log, time.time, report, options.iam)
        self.aws = AwsServer(
            children,
            ports.aws,
            ServerAddresses(
                _url(ports.fcm), _url(ports.apns), _url(ports.functions), self.place.region
            ),
            options.logs / "aws.log",
            self.denials.add,
        )
        self.addresses = Addresses(
            region=self.place.region,
            aws=_url(ports.aws),
            api_id=API_ID,
            websocket=f"ws://{HOST}:{number(ports.websocket)}",
            management=_url(ports.management),
            web_push=_url(ports.web_push),
            elsewhere=options.elsewhere,
        )

    def _fcm(self) -> FcmServer:
        account = json.loads(self.credentials.service_account)
        return FcmServer(
            port=self.ports.fcm,
            project=account["project_id"],
            account=ServiceAccount(
                account["client_email"], self.credentials.service_account_public_key
            ),
            phones=self.phones,
        )

    def _apns(self) -> ApnsServer:
        provider = ApnsProvider(
            push_credentials.KEY_ID,
            push_credentials.TEAM_ID,
            push_credentials.BUNDLE_ID,
            self.credentials.signing_public_key,
        )
        return ApnsServer(port=self.ports.apns, provider=provider, phones=self.phones)


def _url(port: Port) -> str:
    return f"http://{HOST}:{number(port)}"
