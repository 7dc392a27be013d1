"""What a configuration must say before it is deployed, although each of its values is allowed."""

from stacks.config.environments import Environment
from stacks.config.errors import ConfigError


def check_complete(environment: Environment) -> None:
    """Raises one ConfigError that names all that is missing, and how to give it."""
    missing: dict[str, object] = {}
    rules, arguments, otherwise = [], [], ""
    if environment.retain:
        places = {"account": environment.account, "region": environment.region}
        missing = {field: value for field, value in places.items() if value is None}
    if missing:
        rules.append(
            f"{environment.name} keeps data (retain), and without them it would go wherever the "
            "credentials point"
        )
        forms = {"account": "<12 digits>", "region": "<region>"}
        arguments += [f"-c {field}={forms[field]}" for field in missing]
    balancer = environment.load_balancer
    if balancer.certificate_arn is None and not balancer.plain_http:
        missing["load_balancer.certificate_arn"] = None
        rules.append("over plain HTTP passwords and tokens can be read on the way")
        arguments.append("-c load_balancer.plain_http=true")
        otherwise = ", or for HTTPS -c load_balancer.certificate_arn=<ARN> in place of plain_http"
    if missing:
        raise ConfigError.of_several(
            missing,
            "; and ".join(rules),
            "Set them in stacks/config/environments.py, or for one run by "
            f"{' '.join(arguments)}{otherwise}",
        )
