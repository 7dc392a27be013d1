"""Attributes of Network Load Balancers: which are supported, ignored and rejected.

Rejected: listeners for TLS, UDP, TCP_UDP, QUIC and TCP_QUIC, certificates and ALPN; target groups
for anything but TCP, application load balancers as targets; proxy protocol v2; a draining interval
for unhealthy targets; balancing within a zone; weights over several target groups; a second
listener.
"""

from __future__ import annotations

from emulator.balancer.properties import CROSS_ZONE

# Zones, addresses, DNS and logs: a laptop has one zone, and one address that nobody looks up.
BALANCER_ATTRIBUTES = {
    "access_logs.s3.bucket",
    "access_logs.s3.enabled",
    "access_logs.s3.prefix",
    "deletion_protection.enabled",
    "dns_record.client_routing_policy",
    "ipv6.deny_all_igw_traffic",
    CROSS_ZONE,
    "secondary_ips.auto_assigned.per_subnet",
    "zonal_shift.config.enabled",
}
# Security groups, too, are without meaning: everything runs on the loopback interface.
BALANCER_PROPERTIES = {
    "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic",
    "IpAddressType",
    "LoadBalancerAttributes",
    "MinimumLoadBalancerCapacity",
    "Name",
    "Scheme",
    "SecurityGroups",
    "SubnetMappings",
    "Subnets",
    "Tags",
    "Type",
}
IDLE_TIMEOUT = "tcp.idle_timeout.seconds"
LISTENER_ATTRIBUTES = {IDLE_TIMEOUT}
GROUP_ATTRIBUTES = {
    "deregistration_delay.connection_termination.enabled",
    "deregistration_delay.timeout_seconds",
    "preserve_client_ip.enabled",
    "proxy_protocol_v2.enabled",
    "stickiness.enabled",
    "stickiness.type",
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count",
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage",
    "target_health_state.unhealthy.connection_termination.enabled",
    # zones and DNS again
    CROSS_ZONE,
    "target_group_health.dns_failover.minimum_healthy_targets.count",
    "target_group_health.dns_failover.minimum_healthy_targets.percentage",
}
