"""Settings of the load balancers: algorithms, timeouts, TLS.

Limits: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/ under "Target groups".
Rules that need the pools too are in rules.py.
"""

from dataclasses import dataclass, field
from typing import Literal, get_args

from stacks.config import arns
from stacks.config.errors import require, require_between, require_one_of
from stacks.config.names import DOMAIN_NAME
from stacks.config.target_groups import HealthCheck, MinimumHealthyTargets, Stickiness
from stacks.config.type_checks import require_types

# Values of a target group's load_balancing.algorithm.type.
TargetAlgorithm = Literal["round_robin", "least_outstanding_requests", "weighted_random"]
# The same, and the names that textbooks use.
Algorithm = Literal[
    "round_robin",
    "least_outstanding_requests",
    "weighted_random",
    "least_connections",
    "weighted_round_robin",
    "ip_hash",
]


@dataclass(frozen=True)
class Meaning:
    """`target_algorithm` is what the container pools' target groups get. `explanation` is empty
    where the name is AWS's own."""

    target_algorithm: TargetAlgorithm
    explanation: str = ""


MEANINGS: dict[str, Meaning] = {
    "round_robin": Meaning("round_robin"),
    "least_outstanding_requests": Meaning("least_outstanding_requests"),
    "weighted_random": Meaning("weighted_random"),
    "least_connections": Meaning(
        "least_outstanding_requests",
        "least_connections is least_outstanding_requests on AWS: an Application Load Balancer "
        "counts the requests to which a target has not responded yet, not its connections.",
    ),
    "weighted_round_robin": Meaning(
        "round_robin",
        "weighted_round_robin is round_robin within each pool, and the pools' weights between "
        "them: an Application Load Balancer has no weights for single targets.",
    ),
    "ip_hash": Meaning(
        "round_robin",
        "ip_hash is a Network Load Balancer beside the Application Load Balancer, which has none: "
        "clients of the output NlbUrl stay with one task by their address, and those of ApiUrl "
        "are balanced by round_robin.",
    ),
}


@dataclass(frozen=True, kw_only=True)
class LoadBalancer:
    """The Application Load Balancer in front of the pools, and with ip_hash a Network Load Balancer
    in front of one of them.

    algorithm is AWS's name or the textbooks' (MEANINGS). anomaly_mitigation sends fewer requests to
    targets whose responses are worse than those of their peers. Durations are in seconds.
    slow_start is how long a new target's share grows, 0 for not at all. ip_hash_pool is the
    container pool behind the Network Load Balancer; None is the first one.
    certificate_arn makes it listen on HTTPS and redirect HTTP; without one it serves HTTP, and
    plain_http must confirm that. domain_name is the name that clients use, with a DNS record that
    leads to the balancer; without one they use the balancer's DNS name.
    """

    algorithm: Algorithm = "round_robin"
    anomaly_mitigation: bool = False
    slow_start: int = 0
    deregistration_delay: int = 30
    stickiness: Stickiness = field(default_factory=Stickiness)
    health_check: HealthCheck = field(default_factory=HealthCheck)
    minimum_healthy_targets: MinimumHealthyTargets = field(default_factory=MinimumHealthyTargets)
    ip_hash: bool = False
    ip_hash_pool: str | None = None
    idle_timeout: int = 60
    certificate_arn: str | None = None
    domain_name: str | None = None
    plain_http: bool = False
    access_logs: bool = False

    @property
    def meaning(self) -> Meaning:
        return MEANINGS[self.algorithm]

    @property
    def has_network_balancer(self) -> bool:
        """Whether a Network Load Balancer is deployed."""
        return self.ip_hash or self.algorithm == "ip_hash"

    def __post_init__(self) -> None:
        require_types(self, "load_balancer.")
        self._check_algorithm()
        self._check_sticky_targets()
        delay, name = self.deregistration_delay, "load_balancer"
        require_between(0, 3_600, f"{name}.deregistration_delay", delay, "a delay in seconds")
        require_between(1, 4_000, f"{name}.idle_timeout", self.idle_timeout, "a timeout in seconds")
        self._check_encryption()
        self._check_ip_hash()

    def _check_algorithm(self) -> None:
        name, algorithm = "load_balancer", self.algorithm
        require(
            str(algorithm) != "source_ip",
            f"{name}.algorithm",
            algorithm,
            "source_ip is the stickiness of a Network Load Balancer, and an Application Load "
            "Balancer has no IP hash",
            f"Set {name}.algorithm to ip_hash, which adds a Network Load Balancer",
        )
        names = get_args(Algorithm)
        require_one_of(names, f"{name}.algorithm", algorithm, ", ".join(names))
        require(
            self.slow_start == 0 or 30 <= self.slow_start <= 900,
            f"{name}.slow_start",
            self.slow_start,
            "a slow start takes between 30 and 900 seconds",
            f"Set {name}.slow_start to a value in that range, or to 0 for none",
        )
        target_algorithm = self.meaning.target_algorithm
        require(
            not self.slow_start or target_algorithm == "round_robin",
            f"{name}.slow_start",
            self.slow_start,
            f"slow start works with round_robin only, and {name}.algorithm is {algorithm}",
            f"Set {name}.slow_start to 0 or {name}.algorithm to round_robin",
        )
        require(
            not self.anomaly_mitigation or target_algorithm == "weighted_random",
            f"{name}.anomaly_mitigation",
            self.anomaly_mitigation,
            "only weighted_random can give a target less than its share, and "
            f"{name}.algorithm is {algorithm}",
            f"Set {name}.algorithm to weighted_random or {name}.anomaly_mitigation to false",
        )

    def _check_sticky_targets(self) -> None:
        name, kind = "load_balancer", self.stickiness.kind
        # "You cannot have both stickiness and weighted random algorithm enabled on the same target
        # group" (the API). Kind group is a setting of the rule instead.
        require(
            kind not in ("lb_cookie", "app_cookie")
            or self.meaning.target_algorithm != "weighted_random",
            f"{name}.stickiness.kind",
            kind,
            "a target group can't have both sticky targets and weighted_random, and "
            f"{name}.algorithm is {self.algorithm}",
            f"Set {name}.stickiness.kind to none or group, or {name}.algorithm to round_robin",
        )

    def _check_encryption(self) -> None:
        name = "load_balancer"
        require(
            self.certificate_arn is None or arns.is_arn_of(arns.CERTIFICATE, self.certificate_arn),
            f"{name}.certificate_arn",
            self.certificate_arn,
            f"it is the ARN of a certificate in AWS Certificate Manager, {arns.CERTIFICATE.form}",
            f"Set {name}.certificate_arn to such an ARN, or to none for HTTP",
        )
        require(
            not (self.plain_http and self.certificate_arn),
            f"{name}.plain_http",
            self.plain_http,
            "with a certificate HTTP only redirects to HTTPS",
            f"Set {name}.plain_http to false, or {name}.certificate_arn to none",
        )
        require(
            self.domain_name is None or bool(DOMAIN_NAME.fullmatch(self.domain_name)),
            f"{name}.domain_name",
            self.domain_name,
            "it is the name alone that clients call the API by: labels of lower-case letters, "
            "digits and hyphens with dots between them, no scheme, port or wildcard",
            f"Set {name}.domain_name to one such as api.example.com, or to none",
        )

    def _check_ip_hash(self) -> None:
        name = "load_balancer"
        field = "algorithm" if self.algorithm == "ip_hash" else "ip_hash"
        # "Sticky sessions are not supported with TLS listeners and TLS target groups", Network
        # Load Balancer guide, "Edit target group attributes"; the tasks have no certificate.
        require(
            not (self.has_network_balancer and self.certificate_arn),
            f"{name}.{field}",
            getattr(self, field),
            "source_ip stickiness does not work with a TLS listener, so the Network Load Balancer "
            f"could not use {name}.certificate_arn and would serve what is meant for HTTPS in "
            "the clear",
            f"Keep clients on their targets with {name}.stickiness.kind lb_cookie, which works "
            f"over HTTPS, and set {name}.{field} to "
            f"{'round_robin' if field == 'algorithm' else 'false'}; or, where something in front "
            f"terminates TLS, set {name}.certificate_arn to none",
        )
        require(
            self.ip_hash_pool is None or self.has_network_balancer,
            f"{name}.ip_hash_pool",
            self.ip_hash_pool,
            f"it names the pool behind the Network Load Balancer, and {name}.ip_hash is False",
            f"Set {name}.ip_hash to true, or {name}.ip_hash_pool to none",
        )
