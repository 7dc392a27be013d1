"""CloudWatch on this machine: metrics, alarms that are evaluated, and the template's dashboard."""
