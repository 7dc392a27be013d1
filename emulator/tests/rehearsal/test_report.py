"""What a rehearsal prints, and the order of stacks that it advises."""

from __future__ import annotations

from tests.rehearsal.steps import compared, exported, resource
from tests.rehearsal.templates import QUEUE, data, gateway, importer, service

from emulator.rehearsal import report


def test_a_stack_that_uses_what_goes_is_named_to_go_first() -> None:
    before = [gateway("Nat"), service("DISABLED")]
    assert compared(before, [gateway(), service("ENABLED")]).first == ("web",)
    exports = exported("data", "Jobs", {"Ref": "Jobs"})
    before = [data({"Jobs": QUEUE}, exports), importer("Jobs")]
    assert compared(before, [data({"Jobs": QUEUE}), importer()]).first == ("web",)
    assert compared(before, before).first == ()


def test_the_stacks_that_go_first_are_named() -> None:
    before = [gateway("Nat"), service("DISABLED")]
    text = report.as_text(compared(before, [gateway(), service("ENABLED")]), "title")
    assert "first Web alone (cdk deploy --exclusively), then all." in text


def test_resources_of_one_type_with_one_fate_share_a_line() -> None:
    topics = {f"T{number}": resource("SNS::Topic") for number in range(5)}
    text = report.as_text(compared([data({**topics, "Q": QUEUE})], [data({"Q": QUEUE})]), "title")
    assert "  deleted   data  T0 and 4 more, SNS::Topic\n" in text


def test_an_assembly_without_stacks_has_a_report() -> None:
    assert "READY" in report.as_text(compared(None, []), "nothing")


def test_what_stays_although_other_stacks_go_first_is_counted() -> None:
    exports = exported("data", "Jobs", {"Ref": "Jobs"})
    before = [data({"Jobs": QUEUE}, exports), importer("Jobs")]
    rehearsal = compared(before, [data({"Alarms": resource("SNS::Topic")}), importer()])
    assert (rehearsal.first, rehearsal.first_stops) == (
        ("web",),
        1,
    )  # the queue is gone anyway
    assert "then all. 1 of the findings stay." in report.as_text(rehearsal, "title")
