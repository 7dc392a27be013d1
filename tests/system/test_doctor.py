"""`make doctor`: what it says of a system that works, and of one that does not."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.running_system import WITHIN
from tools import doctor

pytestmark = pytest.mark.xdist_group("story")


def place(endpoints: dict[str, Any], **others: Any) -> doctor.Place:
    return doctor.Place(**{"name": "here", "api": endpoints["api"], "phones": None, **others})


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "WITHIN", WITHIN)


def lines(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """The verdict of each step."""
    found = (line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    steps = [name for name, _ in doctor.STEPS]
    return {name: verdict for verdict, rest in found for name in steps if rest.startswith(name)}


def test_a_system_that_works_passes_every_step(
    endpoints: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert asyncio.run(doctor.check(place(endpoints, phones=endpoints["console"])))
    assert lines(capsys) == {name: "ok" for name, _ in doctor.STEPS}


@pytest.mark.deep
def test_it_stops_at_what_fails_and_leaves_no_account(
    endpoints: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[doctor.Visit] = []

    async def fails(visit: doctor.Visit) -> None:
        seen.append(visit)
        raise doctor.DoctorError("it is out of order")

    steps = (*doctor.STEPS[:2], ("the step that fails", fails), *doctor.STEPS[3:])
    monkeypatch.setattr(doctor, "STEPS", steps)
    assert not asyncio.run(doctor.check(place(endpoints)))
    assert list(lines(capsys).values()) == ["ok", "ok", "FAILS"]
    (visit,) = seen
    for user in (visit.ravi, visit.raju):
        body = {"username": user, "password": visit.password}
        assert (
            httpx.post(f"{endpoints['api']}/api/sign-in", json=body, timeout=WITHIN).status_code
            == 401
        )


def test_it_names_the_account_that_it_could_not_delete(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def left() -> None:
        visit = doctor.Visit(doctor.Place("nowhere", "http://127.0.0.1:9"), Path())
        visit.signed_up.append(visit.ravi)
        await doctor._clean_up(visit)
        assert f"make operator act=delete user={visit.ravi}" in capsys.readouterr().out

    asyncio.run(left())


def test_a_backend_that_does_not_respond_is_reported_in_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    nowhere = doctor.Place("nowhere", "http://127.0.0.1:9")  # the discard service's port
    assert not asyncio.run(doctor.check(nowhere))
    first, *_ = capsys.readouterr().out.splitlines()
    assert first.split() == ["FAILS", "the", "API", "responds", "nothing", "listens", "there"]


@pytest.mark.deep
def test_where_there_is_no_phone_to_look_at_the_push_is_reported_as_left_out(
    endpoints: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert asyncio.run(doctor.check(place(endpoints)))
    assert lines(capsys)["the phone is woken"] == "-"


@pytest.mark.parametrize("api", ["https://chat.example.com", "https://chat.example.com/"])
def test_an_api_s_url_is_a_place(api: str) -> None:
    found = doctor._place(None, "switchboard", api)
    assert (found.api, found.phones) == ("https://chat.example.com", None)


def test_what_is_no_url_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor.main(["--api", "chat.example.com"]) == 2
    assert "is no URL" in capsys.readouterr().err
