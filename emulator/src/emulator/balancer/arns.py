"""Names of what Elastic Load Balancing makes: the ids in them are random, as AWS's are."""

from __future__ import annotations

from collections.abc import Callable


class Arns:
    """`random_bytes` gives ids."""

    def __init__(self, region: str, account: str, random_bytes: Callable[[int], bytes]) -> None:
        self._scope = f"arn:aws:elasticloadbalancing:{region}:{account}"
        self._random = random_bytes

    def new(self, kind: str, name: str) -> str:
        """E.g. `loadbalancer`, `app/web` -> `arn:...:loadbalancer/app/web/0123456789abcdef`."""
        return f"{self._scope}:{kind}/{name}/{self._random(8).hex()}"

    def below(self, parent: str, kind: str) -> str:
        """A listener of a load balancer, or a rule of a listener: their ARNs go on from its."""
        return self.new(kind, full_name(parent))


def full_name(arn: str) -> str:
    """Without the kind: `app/web/0123456789abcdef`. A target group's keeps it, as on AWS."""
    path = arn.rpartition(":")[2]
    return path if path.startswith("targetgroup/") else path.partition("/")[2]
