"""DynamoDB tables: keys, indexes, time to live, stream."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from emulator.providers import Created, Resource
from emulator.resources.clients import AddPolicy, Clients, accepted, physical_name

_SHOWN = ("DeletionProtectionEnabled", "TableClass", "Tags")  # by describing calls


class TableProvider:
    """Encryption has no local meaning and is left out; describing calls show backups, tags and
    protection. `add_policy` is given the policies of tables."""

    types = ("AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable")

    def __init__(self, clients: Clients, add_policy: AddPolicy = lambda *_: None) -> None:
        self._clients = clients
        self._add_policy = add_policy
        self.names: list[str] = []

    async def create(self, resource: Resource, properties: dict[str, Any]) -> Created:
        created = await asyncio.to_thread(self._create, resource, properties)
        if policy := self._own(properties).get("ResourcePolicy"):
            self._add_policy(str(resource), created.attributes["Arn"], policy["PolicyDocument"])
        return created

    def _own(self, properties: dict[str, Any]) -> dict[str, Any]:
        """Where a table has what a global table has in its replica of each region."""
        region = self._clients("dynamodb").meta.region_name
        replicas = properties.get("Replicas", ())
        return next((each for each in replicas if each.get("Region") == region), properties)

    def _create(self, resource: Resource, properties: dict[str, Any]) -> Created:
        client = self._clients("dynamodb")
        name = properties.get("TableName") or physical_name(resource)
        wanted = {key: properties[key] for key in ("AttributeDefinitions", "KeySchema")}
        for indexes in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
            if indexes in properties:
                wanted[indexes] = properties[indexes]
        own = self._own(properties)
        wanted |= {key: own[key] for key in _SHOWN if key in own}
        request = accepted(client, "CreateTable", {**wanted, **_capacity(resource, properties)})
        if "StreamSpecification" in properties:
            view = properties["StreamSpecification"]["StreamViewType"]
            request["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": view}
        client.create_table(TableName=name, **request)
        expiry = accepted(client, "UpdateTimeToLive", properties).get("TimeToLiveSpecification")
        if expiry and expiry["Enabled"]:
            client.update_time_to_live(TableName=name, TimeToLiveSpecification=expiry)
        if backups := own.get("PointInTimeRecoverySpecification"):
            given = {"TableName": name, "PointInTimeRecoverySpecification": backups}
            client.update_continuous_backups(**accepted(client, "UpdateContinuousBackups", given))
        self.names.append(name)
        described = client.describe_table(TableName=name)["Table"]
        attributes = {"Arn": described["TableArn"]}
        if "LatestStreamArn" in described:
            attributes["StreamArn"] = described["LatestStreamArn"]
        return Created(name, attributes)

    def state(self) -> dict[str, Any]:
        """`{"tables": [{name, items}]}`; blocks."""
        client = self._clients("dynamodb")
        described = (client.describe_table(TableName=name)["Table"] for name in self.names)
        return {
            "tables": [
                {"name": table["TableName"], "items": table["ItemCount"]} for table in described
            ]
        }


def _capacity(resource: Resource, properties: Mapping[str, Any]) -> dict[str, Any]:
    """The capacity as the template has it, so that AWS's errors for it come; nothing waits for
    capacity here. Source: AWS::DynamoDB::Table, "If not specified, the default is PROVISIONED"."""
    if resource.type == "AWS::DynamoDB::GlobalTable":  # whose capacity has another form
        return {"BillingMode": "PAY_PER_REQUEST"}
    names = ("BillingMode", "ProvisionedThroughput")
    return {"BillingMode": "PROVISIONED"} | {
        name: properties[name] for name in names if name in properties
    }
