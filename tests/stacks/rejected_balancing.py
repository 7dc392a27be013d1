"""Settings of load balancing that are rejected, with the error messages.

Each names the field as an override does, its value, the rule, and what to do.
"""

from typing import Any

from tests.stacks.complete import CERTIFICATE

# overrides of dev -> the sentence
REJECTED: list[tuple[dict[str, Any], str]] = [
    (
        {"load_balancer.algorithm": "source_ip"},
        "load_balancer.algorithm is 'source_ip', but source_ip is the stickiness of a Network "
        "Load Balancer, and an Application Load Balancer has no IP hash. Set "
        "load_balancer.algorithm to ip_hash, which adds a Network Load Balancer.",
    ),
    (
        {"load_balancer.algorithm": "fastest"},
        "load_balancer.algorithm is 'fastest', but it is one of round_robin, "
        "least_outstanding_requests, weighted_random, least_connections, "
        "weighted_round_robin, ip_hash. Set load_balancer.algorithm to one of them.",
    ),
    (
        {"load_balancer.algorithm": "weighted_round_robin", "pools.lambda.weight": 0},
        "load_balancer.algorithm is 'weighted_round_robin', but an Application Load Balancer "
        "has weights between pools, not between the targets of one, and only small has a "
        "weight. Give a second pool a weight, or set load_balancer.algorithm to round_robin.",
    ),
    (
        {
            "load_balancer.algorithm": "ip_hash",
            "load_balancer.certificate_arn": CERTIFICATE,
            "load_balancer.plain_http": False,
        },
        "load_balancer.algorithm is 'ip_hash', but source_ip stickiness does not work with a "
        "TLS listener, so the Network Load Balancer could not use "
        "load_balancer.certificate_arn and would serve what is meant for HTTPS in the clear. "
        "Keep clients on their targets with load_balancer.stickiness.kind lb_cookie, which "
        "works over HTTPS, and set load_balancer.algorithm to round_robin; or, where "
        "something in front terminates TLS, set load_balancer.certificate_arn to none.",
    ),
    (
        {
            "load_balancer.ip_hash": True,
            "load_balancer.certificate_arn": CERTIFICATE,
            "load_balancer.plain_http": False,
        },
        "load_balancer.ip_hash is True, but source_ip stickiness does not work with a TLS "
        "listener, so the Network Load Balancer could not use load_balancer.certificate_arn "
        "and would serve what is meant for HTTPS in the clear. Keep clients on their targets "
        "with load_balancer.stickiness.kind lb_cookie, which works over HTTPS, and set "
        "load_balancer.ip_hash to false; or, where something in front terminates TLS, set "
        "load_balancer.certificate_arn to none.",
    ),
    (
        {"load_balancer.ip_hash_pool": "small"},
        "load_balancer.ip_hash_pool is 'small', but it names the pool behind the Network Load "
        "Balancer, and load_balancer.ip_hash is False. Set load_balancer.ip_hash to true, or "
        "load_balancer.ip_hash_pool to none.",
    ),
    (
        {"load_balancer.ip_hash": True, "load_balancer.ip_hash_pool": "lambda"},
        "load_balancer.ip_hash_pool is 'lambda', but a Network Load Balancer forwards to "
        "containers, not to functions, and there are these container pools: small. Name one "
        "of them, or none for the first.",
    ),
    (
        {"load_balancer.algorithm": "ip_hash", "load_balancer.ip_hash_pool": "big"},
        "load_balancer.ip_hash_pool is 'big', but a Network Load Balancer forwards to "
        "containers, not to functions, and there are these container pools: small. Name one "
        "of them, or none for the first.",
    ),
    (
        {"load_balancer.slow_start": 29},
        "load_balancer.slow_start is 29, but a slow start takes between 30 and 900 seconds. "
        "Set load_balancer.slow_start to a value in that range, or to 0 for none.",
    ),
    (
        {"load_balancer.slow_start": 901},
        "load_balancer.slow_start is 901, but a slow start takes between 30 and 900 seconds. "
        "Set load_balancer.slow_start to a value in that range, or to 0 for none.",
    ),
    (
        {"load_balancer.slow_start": 30, "load_balancer.algorithm": "least_outstanding_requests"},
        "load_balancer.slow_start is 30, but slow start works with round_robin only, and "
        "load_balancer.algorithm is least_outstanding_requests. Set load_balancer.slow_start "
        "to 0 or load_balancer.algorithm to round_robin.",
    ),
    (
        {"load_balancer.slow_start": 30, "load_balancer.algorithm": "least_connections"},
        "load_balancer.slow_start is 30, but slow start works with round_robin only, and "
        "load_balancer.algorithm is least_connections. Set load_balancer.slow_start to 0 or "
        "load_balancer.algorithm to round_robin.",
    ),
    (
        {"load_balancer.slow_start": 30, "load_balancer.algorithm": "weighted_random"},
        "load_balancer.slow_start is 30, but slow start works with round_robin only, and "
        "load_balancer.algorithm is weighted_random. Set load_balancer.slow_start to 0 or "
        "load_balancer.algorithm to round_robin.",
    ),
    (
        {"load_balancer.anomaly_mitigation": True},
        "load_balancer.anomaly_mitigation is True, but only weighted_random can give a target "
        "less than its share, and load_balancer.algorithm is round_robin. Set "
        "load_balancer.algorithm to weighted_random or load_balancer.anomaly_mitigation to "
        "false.",
    ),
    (
        {"load_balancer.anomaly_mitigation": True, "load_balancer.algorithm": "least_connections"},
        "load_balancer.anomaly_mitigation is True, but only weighted_random can give a target "
        "less than its share, and load_balancer.algorithm is least_connections. Set "
        "load_balancer.algorithm to weighted_random or load_balancer.anomaly_mitigation to "
        "false.",
    ),
    (
        {
            "load_balancer.anomaly_mitigation": True,
            "load_balancer.algorithm": "weighted_random",
            "pools.small.max": 2,
        },
        "pools.small.max is 2, but load_balancer.anomaly_mitigation compares at least 3 "
        "healthy targets of a pool. Raise pools.small.max, or set "
        "load_balancer.anomaly_mitigation to false.",
    ),
    (
        {
            "load_balancer.algorithm": "weighted_random",
            "load_balancer.stickiness.kind": "lb_cookie",
        },
        "load_balancer.stickiness.kind is 'lb_cookie', but a target group can't have both "
        "sticky targets and weighted_random, and load_balancer.algorithm is weighted_random. "
        "Set load_balancer.stickiness.kind to none or group, or load_balancer.algorithm to "
        "round_robin.",
    ),
    (
        {
            "load_balancer.algorithm": "weighted_random",
            "load_balancer.stickiness.kind": "app_cookie",
            "load_balancer.stickiness.cookie_name": "session",
        },
        "load_balancer.stickiness.kind is 'app_cookie', but a target group can't have both "
        "sticky targets and weighted_random, and load_balancer.algorithm is weighted_random. "
        "Set load_balancer.stickiness.kind to none or group, or load_balancer.algorithm to "
        "round_robin.",
    ),
    (
        {"load_balancer.stickiness.kind": "group", "pools.small.weight": 0},
        "load_balancer.stickiness.kind is 'group', but it keeps a client with its pool, and "
        "only lambda has a weight. Give a second pool a weight, or set "
        "load_balancer.stickiness.kind to none.",
    ),
    (
        {"load_balancer.stickiness.kind": "lb_cookie", "pools.small.weight": 0},
        "load_balancer.stickiness.kind is 'lb_cookie', but it is for the targets of container "
        "pools, and none has a weight. Set load_balancer.stickiness.kind to none, or give a "
        "container pool a weight.",
    ),
    (
        {"load_balancer.algorithm": "least_connections", "pools.small.weight": 0},
        "load_balancer.algorithm is 'least_connections', but it is for the targets of container "
        "pools, and none has a weight. Set load_balancer.algorithm to round_robin, or give a "
        "container pool a weight.",
    ),
    (
        {"load_balancer.slow_start": 60, "pools.small.weight": 0},
        "load_balancer.slow_start is 60, but it is for the targets of container pools, and none "
        "has a weight. Set load_balancer.slow_start to 0, or give a container pool a weight.",
    ),
    (
        {"load_balancer.stickiness.duration": 100},
        "load_balancer.stickiness.duration is 100, but it is how long a client is kept, and "
        "load_balancer.stickiness.kind is none. Set load_balancer.stickiness.kind to group or "
        "lb_cookie, or load_balancer.stickiness.duration to 3600.",
    ),
    (
        {"load_balancer.stickiness.kind": "source_ip"},
        "load_balancer.stickiness.kind is 'source_ip', but a target group of an Application "
        "Load Balancer rejects source_ip, which is a Network Load Balancer's. Set "
        "load_balancer.ip_hash to true for a Network Load Balancer that has it, or "
        "load_balancer.stickiness.kind to lb_cookie.",
    ),
    (
        {"load_balancer.stickiness.kind": "cookie"},
        "load_balancer.stickiness.kind is 'cookie', but it is one of none, group, lb_cookie, "
        "app_cookie. Set load_balancer.stickiness.kind to one of them.",
    ),
    (
        {"load_balancer.stickiness.kind": "app_cookie"},
        "load_balancer.stickiness.cookie_name is '', but it is given with kind app_cookie and "
        "only then, and the kind is app_cookie. Set both load_balancer.stickiness.kind and "
        "load_balancer.stickiness.cookie_name, or neither.",
    ),
    (
        {
            "load_balancer.stickiness.kind": "lb_cookie",
            "load_balancer.stickiness.cookie_name": "session",
        },
        "load_balancer.stickiness.cookie_name is 'session', but it is given with kind "
        "app_cookie and only then, and the kind is lb_cookie. Set both "
        "load_balancer.stickiness.kind and load_balancer.stickiness.cookie_name, or neither.",
    ),
    (
        {
            "load_balancer.stickiness.kind": "app_cookie",
            "load_balancer.stickiness.cookie_name": "AWSALB",
        },
        "load_balancer.stickiness.cookie_name is 'AWSALB', but names that start with AWSALB "
        "are the load balancer's own. Choose another cookie name.",
    ),
    (
        {
            "load_balancer.stickiness.kind": "app_cookie",
            "load_balancer.stickiness.cookie_name": "AWSALBAPP-0",
        },
        "load_balancer.stickiness.cookie_name is 'AWSALBAPP-0', but names that start with "
        "AWSALB are the load balancer's own. Choose another cookie name.",
    ),
    (
        {
            "load_balancer.stickiness.kind": "app_cookie",
            "load_balancer.stickiness.cookie_name": "AWSALBTGCORS",
        },
        "load_balancer.stickiness.cookie_name is 'AWSALBTGCORS', but names that start with "
        "AWSALB are the load balancer's own. Choose another cookie name.",
    ),
    (
        {
            "load_balancer.stickiness.kind": "app_cookie",
            "load_balancer.stickiness.cookie_name": "my session",
        },
        "load_balancer.stickiness.cookie_name is 'my session', but a cookie's name has "
        "letters, digits and !#$%&'*+-.^_`|~ only, at most 4095 of them. Choose another cookie name.",
    ),
    (
        {
            "load_balancer.stickiness.kind": "app_cookie",
            "load_balancer.stickiness.cookie_name": "session",
        },
        "load_balancer.stickiness.kind is 'app_cookie', but app_cookie does not work when "
        "requests are forwarded by weight, to 2 pools. Set load_balancer.stickiness.kind to "
        "lb_cookie, or keep a single container pool.",
    ),
    (
        {"load_balancer.health_check.path": "health"},
        "load_balancer.health_check.path is 'health', but a path starts with a slash and has "
        "at most 1024 characters, none of them a space. Set load_balancer.health_check.path "
        "to a route that returns 200 without a token, as /api/health does.",
    ),
    (
        {"load_balancer.health_check.path": "/a b"},
        "load_balancer.health_check.path is '/a b', but a path starts with a slash and has at "
        "most 1024 characters, none of them a space. Set load_balancer.health_check.path to a "
        "route that returns 200 without a token, as /api/health does.",
    ),
    (
        {"load_balancer.health_check.timeout": 15},
        "load_balancer.health_check.timeout is 15, but it must be shorter than the interval, "
        "which is 15 s. Lower load_balancer.health_check.timeout or raise "
        "load_balancer.health_check.interval.",
    ),
    (
        {"load_balancer.minimum_healthy_targets.count": 0},
        "load_balancer.minimum_healthy_targets.count is 0, but a target group needs at least "
        "one healthy target. Set load_balancer.minimum_healthy_targets.count to 1 or more.",
    ),
    (
        {"load_balancer.minimum_healthy_targets.count": 5},
        "load_balancer.minimum_healthy_targets.count is 5, but the pool small has at most 4 "
        "targets and would always be below. Lower load_balancer.minimum_healthy_targets.count "
        "or raise pools.small.max.",
    ),
    (
        {
            "load_balancer.minimum_healthy_targets.count": 2,
            "load_balancer.minimum_healthy_targets.dns_failover_count": 1,
        },
        "load_balancer.minimum_healthy_targets.dns_failover_count is 1, but a node leaves DNS "
        "before or when it sends to all targets, so this is not below "
        "load_balancer.minimum_healthy_targets.count, which is 2. Raise it, lower "
        "load_balancer.minimum_healthy_targets.count, or set "
        "load_balancer.minimum_healthy_targets.dns_failover_count to none for the same.",
    ),
    (
        {
            "load_balancer.minimum_healthy_targets.percentage": 50,
            "load_balancer.minimum_healthy_targets.dns_failover_percentage": 40,
        },
        "load_balancer.minimum_healthy_targets.dns_failover_percentage is 40, but a node "
        "leaves DNS before or when it sends to all targets, so this is not below "
        "load_balancer.minimum_healthy_targets.percentage, which is 50. Raise it, lower "
        "load_balancer.minimum_healthy_targets.percentage, or set "
        "load_balancer.minimum_healthy_targets.dns_failover_percentage to none for the same.",
    ),
    (
        {"load_balancer.minimum_healthy_targets.dns_failover_count": 5},
        "load_balancer.minimum_healthy_targets.dns_failover_count is 5, but the pool small "
        "has at most 4 targets and would always be below. Lower "
        "load_balancer.minimum_healthy_targets.dns_failover_count or raise pools.small.max.",
    ),
    (
        {"load_balancer.certificate_arn": "arn:aws:iam::123456789012:server-certificate/x"},
        "load_balancer.certificate_arn is 'arn:aws:iam::123456789012:server-certificate/x', "
        "but it is the ARN of a certificate in AWS Certificate Manager, "
        "arn:aws:acm:<region>:<account>:certificate/<UUID>. Set load_balancer.certificate_arn "
        "to such an ARN, or to none for HTTP.",
    ),
    (
        {"load_balancer.certificate_arn": CERTIFICATE},
        "load_balancer.plain_http is True, but with a certificate HTTP only redirects to "
        "HTTPS. Set load_balancer.plain_http to false, or load_balancer.certificate_arn to "
        "none.",
    ),
    (
        {
            "load_balancer.certificate_arn": CERTIFICATE,
            "load_balancer.plain_http": False,
            "region": "us-east-1",
        },
        f"load_balancer.certificate_arn is '{CERTIFICATE}', but it has to be of the environment's "
        "own region, which is us-east-1 (region). Set load_balancer.certificate_arn to the ARN of "
        "one there, or change region.",
    ),
    (
        {"pools.lambda.weight": 0, "pools.small.weight": 0},
        "pools is 'weight 0 everywhere', but a forward needs a target group that gets "
        "requests. Give a pool a weight of 1 or more.",
    ),
    (
        {"pools.small.min": 0},
        "pools.small.min is 0, but a pool of no tasks gets no requests that could make it "
        "grow. Set pools.small.min to 1 or more, or remove the pool.",
    ),
    (
        {"pools.small.max": 1},
        "pools.small.max is 1, but it must not be below pools.small.min, which is 2. Raise "
        "pools.small.max or lower pools.small.min.",
    ),
    (
        {"pools.small.requests_per_target": 0},
        "pools.small.requests_per_target is 0, but autoscaling divides by it (requests per "
        "minute and task). Set pools.small.requests_per_target to 1 or more.",
    ),
    (
        {"pools.small.cpu_target": 100},
        "pools.small.cpu_target is 100, but tasks are added while their CPU is above this "
        "percentage, and it never is above 100. Set pools.small.cpu_target to a value between "
        "1 and 99, or to none.",
    ),
    (
        {"pools.small.cpu_target": 0},
        "pools.small.cpu_target is 0, but tasks are added while their CPU is above this "
        "percentage, and it never is above 100. Set pools.small.cpu_target to a value between "
        "1 and 99, or to none.",
    ),
]

# what is no name that a certificate covers and a DNS record can have
NO_DOMAIN_NAMES = (
    "",
    "api",
    "https://api.example.com",
    "api.example.com:443",
    "api.example.com/",
    "*.example.com",
    "api..example.com",
    "-api.example.com",
    "api-.example.com",
    "API.example.com",
    "192.0.2.1",
    f"{'a' * 64}.example.com",
    ".".join(["a" * 50] * 5) + ".com",
)
