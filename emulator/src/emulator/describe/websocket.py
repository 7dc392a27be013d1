"""API Gateway's view: the WebSocket API, its routes, integrations, authorizers and stage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.describe.errors import CallError, Unsupported
from emulator.describe.made import Made, One

_TYPE = "AWS::ApiGatewayV2::"
# Operation -> (type, the property that is the response's id)
_BELOW = {
    "GetRoutes": ("Route", "RouteId"),
    "GetIntegrations": ("Integration", "IntegrationId"),
    "GetAuthorizers": ("Authorizer", "AuthorizerId"),
    "GetStages": ("Stage", "StageName"),
    "GetDeployments": ("Deployment", "DeploymentId"),
}


class WebSocketView:
    def __init__(self, made: Made) -> None:
        self._made = made

    def operations(self) -> dict[str, Any]:
        found = {name: self._below(*which) for name, which in _BELOW.items()}
        found |= {name.removesuffix("s"): self._one_of(*which) for name, which in _BELOW.items()}
        return {
            "GetApis": lambda given: {"Items": [self._api(one) for one in self._apis()]},
            "GetApi": self._one,
            **found,
        }

    def _apis(self) -> list[One]:
        return list(self._made.of(f"{_TYPE}Api"))

    def _api(self, one: One) -> dict[str, Any]:
        return {**one.properties, "ApiId": one.created.ref, **one.created.attributes}

    def _one(self, given: Mapping[str, Any]) -> dict[str, Any]:
        for one in self._apis():
            if one.created.ref == given["ApiId"]:
                return self._api(one)
        raise _not_found("API", given["ApiId"])

    def _below(self, kind: str, name: str) -> Any:
        def listed(given: Mapping[str, Any]) -> dict[str, Any]:
            self._one(given)
            if kind == "Deployment" and self._deploys_itself(given["ApiId"]):
                raise Unsupported("the deployments that a stage with AutoDeploy makes")
            found = self._made.of(_TYPE + kind)
            return {
                "Items": [
                    {**one.properties, name: one.created.ref}
                    for one in found
                    if one.properties.get("ApiId") == given["ApiId"]
                ]
            }

        return listed

    def _deploys_itself(self, api: str) -> bool:
        stages = (one.properties for one in self._made.of(f"{_TYPE}Stage"))
        return any(
            each.get("AutoDeploy") in (True, "true") for each in stages if each.get("ApiId") == api
        )

    def _one_of(self, kind: str, name: str) -> Any:
        def one(given: Mapping[str, Any]) -> dict[str, Any]:
            for each in self._below(kind, name)(given)["Items"]:
                if each[name] == given[name]:
                    return dict(each)
            raise _not_found(kind, given[name])

        return one


def _not_found(kind: str, identifier: str) -> CallError:
    text = f"Invalid {kind} identifier specified {identifier}"
    return CallError("NotFoundException", text, 404)
