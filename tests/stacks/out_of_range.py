"""Settings of load balancing that are rejected because a number is out of its range."""

# one override of dev, its value, the rule: the range is what there is to do
OUT_OF_RANGE = [
    ("load_balancer.deregistration_delay", 3601, "a delay in seconds is between 0 and 3600"),
    ("load_balancer.deregistration_delay", -1, "a delay in seconds is between 0 and 3600"),
    ("load_balancer.idle_timeout", 0, "a timeout in seconds is between 1 and 4000"),
    ("load_balancer.idle_timeout", 4001, "a timeout in seconds is between 1 and 4000"),
    (
        "load_balancer.stickiness.duration",
        0,
        "a stickiness duration in seconds is between 1 and 604800",
    ),
    (
        "load_balancer.stickiness.duration",
        604801,
        "a stickiness duration in seconds is between 1 and 604800",
    ),
    ("load_balancer.health_check.interval", 4, "an interval in seconds is between 5 and 300"),
    ("load_balancer.health_check.interval", 301, "an interval in seconds is between 5 and 300"),
    ("load_balancer.health_check.timeout", 1, "a timeout in seconds is between 2 and 120"),
    ("load_balancer.health_check.healthy_threshold", 1, "a threshold is between 2 and 10"),
    ("load_balancer.health_check.unhealthy_threshold", 11, "a threshold is between 2 and 10"),
    ("load_balancer.minimum_healthy_targets.percentage", 0, "a percentage is between 1 and 100"),
    ("load_balancer.minimum_healthy_targets.percentage", 101, "a percentage is between 1 and 100"),
    (
        "load_balancer.minimum_healthy_targets.dns_failover_percentage",
        101,
        "a percentage is between 1 and 100",
    ),
    (
        "load_balancer.minimum_healthy_targets.dns_failover_percentage",
        0,
        "a percentage is between 1 and 100",
    ),
    ("pools.lambda.weight", 1000, "the weight of a target group is between 0 and 999"),
    ("pools.small.weight", -1, "the weight of a target group is between 0 and 999"),
    ("pools.small.scale_out_cooldown", -1, "a cooldown in seconds is between 0 and 3600"),
    ("pools.small.scale_in_cooldown", 3601, "a cooldown in seconds is between 0 and 3600"),
    (
        "pools.small.stop_timeout",
        121,
        "the time in seconds that Fargate leaves a task after SIGTERM, with 5 s for its own end, is between 6 and 120",
    ),
    (
        "pools.small.stop_timeout",
        5,
        "the time in seconds that Fargate leaves a task after SIGTERM, with 5 s for its own end, is between 6 and 120",
    ),
]
