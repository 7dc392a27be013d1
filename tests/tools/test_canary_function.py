"""The canary's function: what it measures, whatever the API responds."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from http.server import ThreadingHTTPServer

import pytest

from emulator.metrics import emf
from emulator.metrics.store import Metric
from tests.support.http_server import QuietHandler, serving
from tools import canary, doctor
from tools.doctor import Place, Visit

NAMESPACE = "Switchboard/dev"
HTML = b"<html>maintenance</html>"


class Responses(QuietHandler):
    """The API's health, and the same response to everything else."""

    status, body = 200, b"{}"

    def do_GET(self) -> None:
        self._answer(*((200, b"{}") if self.path == "/api/health" else (self.status, self.body)))

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._answer(self.status, self.body)

    do_PUT = do_POST

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Responses]]:
    class Server(Responses):
        """This test's."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    monkeypatch.setenv("API_URL", f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setenv("METRICS_NAMESPACE", NAMESPACE)
    with serving(server):
        yield Server


def measured(printed: str) -> dict[str, float]:
    values = emf.values(printed.splitlines()[-1].encode())
    found = {metric: value for _, metric, value in values}
    return {
        name: float(found[Metric(NAMESPACE, name)]) for name in ("CanaryPassed", "CanarySeconds")
    }


@pytest.mark.parametrize(
    ("status", "body"),
    [(502, HTML), (403, HTML), (200, HTML), (200, b"{}"), (200, b"[]"), (200, b"null")],
)
def test_whatever_is_answered_the_run_is_measured_and_does_not_fail(
    api: type[Responses], status: int, body: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    api.status, api.body = status, body
    canary.handler({}, None)
    printed = capsys.readouterr().out
    assert measured(printed)["CanaryPassed"] == 0
    assert "two users sign up and connect" in printed
    assert "was not deleted" in printed


async def _well(_visit: Visit) -> None:
    return None


async def _mistaken(_visit: Visit) -> None:
    raise KeyError("done")


async def _endless(_visit: Visit) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize(("step", "passed"), [(_well, 1), (_mistaken, 0), (_endless, 0)])
def test_steps_that_go_well_raise_or_never_end_are_measured(
    api: type[Responses],
    step: doctor.Step,
    passed: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # not so short that a step which goes well could need as long
    monkeypatch.setattr(canary, "WITHIN", 0.1 if step is _endless else 60.0)
    monkeypatch.setattr(doctor, "STEPS", (("a step", step),))
    canary.handler({}, None)
    found = measured(capsys.readouterr().out)
    assert found["CanaryPassed"] == passed
    assert found["CanarySeconds"] >= 0


def test_an_error_of_the_doctor_s_own_is_measured_and_logged(
    api: type[Responses], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def check(place: Place) -> bool:
        assert not place.api.endswith("/")
        raise LookupError("there is no room for a file")

    monkeypatch.setattr(canary, "check", check)
    canary.handler({}, None)
    printed = capsys.readouterr()
    assert measured(printed.out)["CanaryPassed"] == 0
    assert "no room for a file" in printed.err
