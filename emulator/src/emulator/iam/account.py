"""Permissions of an account, from its template: roles, their policies, policies of resources.

Also the form in which one process gives it to another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

PODS = "pods.eks.amazonaws.com"
"""The service that assumes the roles of pods, as the principal of their trust policies"""


@dataclass
class Role:
    """`policies` maps the names of its policies to their documents."""

    arn: str
    id: str
    tags: dict[str, str] = field(default_factory=dict)
    policies: dict[str, dict[str, Any]] = field(default_factory=dict)
    boundary: str | None = None

    @property
    def name(self) -> str:
        return self.arn.rpartition("/")[2]


@dataclass(frozen=True)
class Session:
    """A session of a role: that of a function, or of the tasks of a service."""

    role: str  # its ARN
    name: str


@dataclass
class Account:
    """`sessions` maps what the access keys of a session begin with to the session, `managed` the
    ARNs of managed policies to their documents, `resources` the ARNs of resources to those of
    their own policies."""

    account: str = "123456789012"
    region: str = "us-east-1"
    partition: str = "aws"
    mode: str = "enforce"
    roles: dict[str, Role] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    managed: dict[str, dict[str, Any]] = field(default_factory=dict)
    resources: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def parsed(cls, document: Mapping[str, Any]) -> Account:
        given = dict(document)
        given["roles"] = {arn: Role(**each) for arn, each in document["roles"].items()}
        given["sessions"] = {key: Session(**each) for key, each in document["sessions"].items()}
        return cls(**given)
