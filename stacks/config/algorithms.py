"""The names that a way of balancing may be called by, and what each of them is on AWS."""

from dataclasses import dataclass
from typing import Literal

# What a target group's load_balancing.algorithm.type may be.
TargetAlgorithm = Literal["round_robin", "least_outstanding_requests", "weighted_random"]
# The same, and the names that the textbooks use.
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
        "counts the requests that a target has not answered yet, not its connections.",
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
