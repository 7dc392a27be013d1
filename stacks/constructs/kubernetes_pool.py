"""A pool of pods: its target group and role, and the manifests of what runs in the cluster.

The manifests are an output of the stack, since they hold names that CloudFormation gives: tables,
the target group, the image. `kubectl apply -f -` takes them as they are.
"""

from collections.abc import Mapping

from aws_cdk import Aws, CfnOutput, Stack, Tags
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_eks as eks
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.config.environments import Environment
from stacks.config.permissions import permissions_of
from stacks.config.pools import KubernetesPool, construct_id, finish_timeout
from stacks.constructs.container_pool import ContainerPoolService
from stacks.constructs.function import reading_log_level, variables
from stacks.constructs.grants import Resources, statements
from stacks.constructs.manifests import Pods, manifests
from stacks.constructs.target_group import PORT, keep_alive, target_group

# How long the controller may take to deregister a pod that leaves, in seconds. Until
# then requests still come, so the pod has to go on serving.
DEREGISTERED_WITHIN = 15


class KubernetesPoolPods(Construct):
    """The pods of one pool. `values` are those of the Api function's variables; `balancer` is
    allowed to connect to them."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        config: Environment,
        pool: KubernetesPool,
        vpc: ec2.IVpc,
        balancer: ec2.Connections,
        image: str,
        values: Mapping[str, str],
        resources: Resources,
    ) -> None:
        super().__init__(scope, id)
        self.pool = pool
        # Of the service account too, by which pods get the role. Kubernetes wants lower case:
        # https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
        self._name = f"{config.project}-{config.name}-{pool.name}".lower()
        self.target_group = target_group(self, config.load_balancer, vpc)
        Tags.of(self.target_group).add("pool", pool.name)
        # at synth, the addresses of an existing network are not known
        balancer.allow_to(ec2.Peer.any_ipv4(), ec2.Port.tcp(PORT), f"To the pods of {pool.name}")
        self._act_as(self._role(config, resources))
        self._output(self._pods(config, image, values, balancer.security_groups[0]))

    def _pods(
        self, config: Environment, image: str, values: Mapping[str, str], group: ec2.ISecurityGroup
    ) -> Pods:
        settings = config.load_balancer
        return Pods(
            name=self._name,
            pool=self.pool.name,
            image=image,
            architecture=config.architecture,
            environment={
                **variables("Api", config, {**values, "POOL_NAME": self.pool.name}),
                "AWS_REGION": Aws.REGION,
                "PORT": str(PORT),
                "KEEP_ALIVE_SECONDS": str(keep_alive(settings)),
                "FINISH_SECONDS": str(finish_timeout(self.pool)),
            },
            health_path=settings.health_check.path,
            target_group_arn=self.target_group.target_group_arn,
            security_group=group.security_group_id,
            drain=DEREGISTERED_WITHIN + settings.deregistration_delay,
        )

    def _role(self, config: Environment, resources: Resources) -> iam.Role:
        """Only pods of this service account in this cluster get it:
        https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html"""
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.SessionTagsPrincipal(
                iam.ServicePrincipal(
                    "pods.eks.amazonaws.com",
                    conditions={
                        "StringEquals": {
                            "aws:RequestTag/eks-cluster-name": self.pool.cluster,
                            "aws:RequestTag/kubernetes-namespace": self.pool.namespace,
                            "aws:RequestTag/kubernetes-service-account": self._name,
                        }
                    },
                )
            ),
        )
        permissions = permissions_of("Api", in_containers=config.websocket.in_containers)
        granted = statements(permissions, resources)
        for statement in (*granted, *reading_log_level(self, config)):
            role.add_to_policy(statement)
        return role

    def _act_as(self, role: iam.Role) -> None:
        eks.CfnPodIdentityAssociation(
            self,
            "Identity",
            cluster_name=self.pool.cluster,
            namespace=self.pool.namespace,
            service_account=self._name,
            role_arn=role.role_arn,
        )

    def _output(self, pods: Pods) -> None:
        stack = Stack.of(self)
        items = manifests(self.pool, pods)
        CfnOutput(
            stack,
            f"{construct_id(self.pool)}Manifests",
            description=f"What runs in the cluster {self.pool.cluster}: kubectl apply -f -",
            value=stack.to_json_string({"apiVersion": "v1", "kind": "List", "items": items}),
        )


TargetPool = ContainerPoolService | KubernetesPoolPods
