"""Log levels and traces that an environment may turn on."""

from dataclasses import replace

from stacks.config.environments import DEV
from tests.stacks.shared_environments import CHANGED_DEV
from tests.stacks.synthesized import Synthesize, Synthesized
from tests.stacks.test_kubernetes_pool import PODS

NAME = "/switchboard/dev/log-level"
PARAMETER = (
    "arn:<AWS::Partition>:ssm:<AWS::Region>:<AWS::AccountId>:parameter/switchboard/dev/log-level"
)


def test_what_knows_the_parameter_s_name_may_read_it(synthesize: Synthesize) -> None:
    in_tasks = replace(DEV.websocket, plane="containers")
    made = synthesize(
        replace(DEV, live_log_level=True, pools=(*DEV.pools, PODS), websocket=in_tasks)
    )
    roles = []
    for function in made.all("AWS::Lambda::Function"):
        assert function.properties["Environment"]["Variables"]["LOG_LEVEL_PARAMETER"] == NAME
        roles.append(function.properties["Role"]["Fn::GetAtt"][0])
    for task in made.all("AWS::ECS::TaskDefinition"):
        (container,) = task.properties["ContainerDefinitions"]
        assert {"Name": "LOG_LEVEL_PARAMETER", "Value": NAME} in container["Environment"]
        roles.append(task.properties["TaskRoleArn"]["Fn::GetAtt"][0])
    for association in made.all("AWS::EKS::PodIdentityAssociation"):
        roles.append(association.properties["RoleArn"]["Fn::GetAtt"][0])
    assert len(roles) == len(set(roles)) > len(made.all("AWS::Lambda::Function")) + 2
    for role in roles:
        assert made.grants(role)[PARAMETER] == {"ssm:GetParameter"}
    assert not made.all("AWS::SSM::Parameter")  # a deployment would set it back


def test_traces_are_lambda_s_own(synthesize: Synthesize) -> None:
    made = synthesize(CHANGED_DEV)
    canary = made.function("CanaryFunction")  # no part of the service: it calls it as a user does
    for function in made.all("AWS::Lambda::Function"):
        if function == canary:
            continue
        assert function.properties["TracingConfig"] == {"Mode": "Active"}
        role = made.one("AWS::IAM::Role", f"{function.name.removesuffix('Function')}Role")
        assert "xray:PutTraceSegments" in made.grants(role.logical_id)["*"]


def test_a_small_environment_has_neither(dev: Synthesized) -> None:
    for function in dev.all("AWS::Lambda::Function"):
        assert "TracingConfig" not in function.properties
        assert "LOG_LEVEL_PARAMETER" not in function.properties["Environment"]["Variables"]
