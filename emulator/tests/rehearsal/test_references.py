"""What a rehearsal finds: values that pass between stacks, and references that lead nowhere."""

from __future__ import annotations

import pytest
from tests.rehearsal.steps import compared, exported, found, imported, resource, stack, taken
from tests.rehearsal.templates import CUSTOM, DATA, FELT, QUEUE, REJECTED, Row, data, importer
from tests.rows import rows

from emulator.providers import EmulatorError
from emulator.template.assembly import Stack


def reader(text: str = "") -> Stack:
    topic = resource("SNS::Topic", DisplayName=taken("data", "Name"), TopicName=text or "x")
    return stack("web", {"Alarm": topic}, after=("data",))


NAMED_QUEUE = resource("SQS::Queue", QueueName="jobs")
NAME = {"Name": {"Value": {"Ref": "Jobs"}}}

ROWS = [
    Row(
        "an export goes while it is imported",
        [data({"Jobs": QUEUE}, exported("data", "Jobs", {"Ref": "Jobs"})), importer("Jobs")],
        [data({"Jobs": QUEUE}), importer()],
        {(REJECTED, "export of Jobs")},
    ),
    Row(
        "an export goes that nobody imports",
        [data({"Jobs": QUEUE}, exported("data", "Jobs", {"Ref": "Jobs"})), importer()],
        [data({"Jobs": QUEUE}), importer()],
        set(),
    ),
    Row(
        "an export changes while it is imported",
        [data({}, exported("data", "Name", "one")), importer("Name")],
        [data({}, exported("data", "Name", "two")), importer("Name")],
        {(REJECTED, "export Name")},
    ),
    Row(
        "what is exported is replaced",
        [data({"Jobs": QUEUE}, exported("data", "Jobs", {"Ref": "Jobs"})), importer("Jobs")],
        [data({"Jobs": NAMED_QUEUE}, exported("data", "Jobs", {"Ref": "Jobs"})), importer("Jobs")],
        {(REJECTED, "export of Jobs"), (DATA, "Jobs"), (FELT, "Jobs")},
    ),
    Row(
        "an export is empty",
        None,
        [data({}, exported("data", "Name", " ")), importer("Name")],
        {(REJECTED, "export Name")},
    ),
    Row(
        "an export is what a custom resource's function returns",
        None,
        [
            data(
                {"Thing": CUSTOM},
                exported("data", "Arn", {"Fn::GetAtt": ["Thing", "Arn"]}),
            ),
            importer("Arn"),
        ],
        {(REJECTED, "export of Thing.Arn")},
    ),
    Row(
        "an import finds no export",
        None,
        [data({}), importer("Name")],
        {(REJECTED, "T0.DisplayName")},
    ),
    Row(
        "an export moves to a stack that is deployed after the one that imports it",
        [data({}, exported("data", "Name", "x")), importer("Name")],
        [
            importer("Name"),
            stack("late", {}, exported("data", "Name", "x"), after=("web",)),
            data({}),
        ],
        {(REJECTED, "export Name")},
    ),
    Row(
        "a weak value changes, and the stack that took it does not",
        [data({"Jobs": QUEUE}, NAME), reader()],
        [data({"Jobs": NAMED_QUEUE}, NAME), reader()],
        {(FELT, "output Name of data"), (DATA, "Jobs"), (FELT, "Jobs"), (FELT, "output Name")},
    ),
    Row(
        "a weak value changes, and something else of the stack that took it",
        [data({"Jobs": QUEUE}, NAME), reader()],
        [data({"Jobs": NAMED_QUEUE}, NAME), reader("y")],
        {(DATA, "Jobs"), (FELT, "Jobs"), (FELT, "output Name")},
    ),
    Row(
        "a weak value is not there",
        None,
        [data({}), reader()],
        {(REJECTED, "Alarm.DisplayName")},
    ),
    Row(
        "an export of what is not there",
        None,
        [data({}, exported("data", "Name", {"Fn::GetAtt": ["Nothing", "Arn"]}))],
        {(REJECTED, "output Name")},
    ),
    Row(
        "a condition and a mapping that are not there",
        None,
        [
            data(
                {
                    "A": {**QUEUE, "Condition": "InProd"},
                    "B": resource("SNS::Topic", DisplayName={"Fn::If": ["InProd", "a", "b"]}),
                    "C": resource("SNS::Topic", DisplayName={"Fn::FindInMap": ["M", "a", "b"]}),
                }
            )
        ],
        {(REJECTED, "A"), (REJECTED, "B.DisplayName"), (REJECTED, "C.DisplayName")},
    ),
    Row(
        "an export of a parameter goes while it is imported",
        [
            stack(
                "data",
                {},
                exported("data", "Name", {"Ref": "P"}),
                Parameters={"P": {"Default": "x"}},
            ),
            importer("Name"),
        ],
        [data({}), importer()],
        {(REJECTED, "export Name")},
    ),
]


@rows("row", ROWS, ids=lambda row: row.name)
def test_a_change_has_just_these_findings(row: Row) -> None:
    assert found(compared(row.before, row.after)) == row.finds


def test_users_of_an_export_are_named_in_the_plural_where_there_are_several() -> None:
    export, other = exported("data", "Name", "one"), {"T": resource("SNS::Topic")}
    uses = {"T": resource("SNS::Topic", DisplayName=imported("data", "Name"))}
    before = [data({}, export), importer("Name"), stack("chat", uses)]
    (finding,) = compared(before, [data({}), importer(), stack("chat", other)]).findings
    assert finding.sentence.startswith("it goes while chat and web import it:")


def test_what_can_t_be_resolved_says_where_it_stands() -> None:
    topic = resource("SNS::Topic", DisplayName={"Fn::Cidr": ["10.0.0.0/16", 2, 8]})
    with pytest.raises(
        EmulatorError, match=r"data, T\.DisplayName: the intrinsic function Fn::Cidr"
    ):
        compared(None, [data({"T": topic})])
