"""The web stack: the load balancers and their pools, which all serve the same HTTP API."""

from functools import cached_property

from aws_cdk import CfnOutput
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from stacks.build.bundle import SOURCES, function_code
from stacks.build.packages import Platform
from stacks.config.environments import Environment
from stacks.config.pools import ContainerPool, KubernetesPool, construct_id
from stacks.config.rules import ip_hash_pool
from stacks.constructs.container_pool import ContainerPoolService
from stacks.constructs.distribution import ORIGIN_HEADER, Distribution
from stacks.constructs.function import Function
from stacks.constructs.kubernetes_pool import KubernetesPoolPods, TargetPool
from stacks.constructs.lambda_pool import LambdaTargetGroup
from stacks.constructs.load_balancer import LoadBalancer, Share
from stacks.constructs.network_balancer import NetworkBalancer
from stacks.constructs.platform_applications import (
    application_variables,
    platform_resources,
)
from stacks.constructs.socket_service import POSTS, SocketKey, SocketService
from stacks.constructs.web_acl import WebAcl
from stacks.constructs.websocket_api import SocketEndpoint
from stacks.data import DataStack
from stacks.network import existing_vpc
from stacks.notifications import NotificationsStack
from stacks.stack import EnvironmentStack

PLATFORMS = {
    "arm64": ecr_assets.Platform.LINUX_ARM64,
    "x86_64": ecr_assets.Platform.LINUX_AMD64,
}


class WebStack(EnvironmentStack):
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        config: Environment,
        platform: Platform,
        vpc: ec2.IVpc | None,
        data: DataStack,
        notifications: NotificationsStack,
        endpoint: SocketEndpoint | None = None,
    ) -> None:
        """`endpoint` is that of API Gateway; without it tasks of this stack hold the sockets."""
        super().__init__(scope, id, config=config, description="Load balancer and its pools")
        self._platform = platform
        vpc = self._vpc = vpc or existing_vpc(self, config)
        self.load_balancer = LoadBalancer(self, "LoadBalancer", config=config, vpc=vpc)
        self.endpoint = endpoint or self._endpoint()
        self._resources = {
            **data.resources,
            **notifications.resources,
            **platform_resources(self, config),
            **self.endpoint.resources,
        }
        self._values = self._variables(data, notifications)
        self.functions: dict[str, Function] = {}
        self.container_pools: dict[str, ContainerPoolService] = {}
        self.kubernetes_pools: dict[str, KubernetesPoolPods] = {}
        cloudfront = config.cloudfront.enabled
        distribution = Distribution(self, "CloudFront", config=config) if cloudfront else None
        secret = (ORIGIN_HEADER, distribution.secret) if distribution else None
        self.load_balancer.forward(self._shares(), secret)
        self.sockets = self._socket_service() if endpoint is None else None
        self.functions["Operator"] = self._operator()
        self._scale_pools()
        self.network_balancer = self._network_balancer(vpc)
        if config.waf:
            self._protect()
        self.api_url = (distribution or self.load_balancer).url
        self._output_names(distribution)

    @property
    def target_pools(self) -> dict[str, TargetPool]:
        """The pools whose targets the load balancer checks; the socket service is none of them."""
        return {**self.container_pools, **self.kubernetes_pools}

    def _endpoint(self) -> SocketEndpoint:
        key = SocketKey(self, "SocketKey", config=self.config, balancer=self.load_balancer)
        CfnOutput(self, "WebSocketUrl", value=key.endpoint.url)
        return key.endpoint

    def _variables(self, data: DataStack, notifications: NotificationsStack) -> dict[str, str]:
        """The variables of all functions and tasks of this stack; each row of FUNCTIONS names its
        own.
        """
        config = self.config
        return {
            **data.table_names(),
            **data.files.variables(),
            **config.files.variables(),
            **self.endpoint.variables(),
            "WEBSOCKET_URL": self.endpoint.url,
            "PUSH_QUEUE_URL": notifications.queue.queue_url,
            "MESSAGE_TTL_DAYS": str(config.message_ttl_days),
            "SIGN_IN_SECONDS": str(config.tokens.sign_in_seconds),
            "RECONNECT_WINDOW": str(config.websocket.reconnect_window),
            "PASSWORD_RESET": str(config.password_reset).lower(),
            "BEHIND_CLOUDFRONT": str(config.cloudfront.enabled).lower(),
            "USER_POOL_ID": data.user_pool.user_pool_id,
            "USER_POOL_CLIENT_ID": data.client.user_pool_client_id,
            "TOKEN_ISSUER": data.token_issuer,
            "VAPID_KEY": data.web_push_key.key_arn,
            **application_variables(self, config),
        }

    def _protect(self) -> None:
        WebAcl(
            self,
            "WebAcl",
            protected_arn=self.load_balancer.balancer.load_balancer_arn,
            posts=POSTS if self.sockets else None,
        )

    def _output_names(self, distribution: Distribution | None) -> None:
        """The API's URL, and what the DNS records of domains have to lead to."""
        CfnOutput(self, "ApiUrl", value=self.api_url)
        if distribution and self.config.cloudfront.domain_name:
            CfnOutput(self, "CloudFrontDnsName", value=distribution.dns_name)
        if self.config.load_balancer.domain_name:
            dns_name = self.load_balancer.balancer.load_balancer_dns_name
            CfnOutput(self, "LoadBalancerDnsName", value=dns_name)

    def _scale_pools(self) -> None:
        for pool in self.container_pools.values():
            pool.scale()
            if self.config.releases.task_alarms:
                pool.guard()

    def _shares(self) -> list[Share]:
        containers = [pool for pool in self.config.pools if isinstance(pool, ContainerPool)]
        pods = [pool for pool in self.config.pools if isinstance(pool, KubernetesPool)]
        if containers:
            self._add_containers(containers)
        for each in pods:
            self._add_pods(each)
        shares = []
        for pool in self.config.pools:
            if isinstance(pool, ContainerPool):
                group = self.container_pools[pool.name].target_group
            elif isinstance(pool, KubernetesPool):
                group = self.kubernetes_pools[pool.name].target_group
            else:
                group = self._lambda_pool().target_group
            shares.append(Share(pool, group))
        return shares

    def _network_balancer(self, vpc: ec2.IVpc) -> NetworkBalancer | None:
        pool = ip_hash_pool(self.config.load_balancer, self.config.pools)
        if pool is None:
            return None
        balancer = NetworkBalancer(
            self,
            "NetworkBalancer",
            config=self.config,
            vpc=vpc,
            pool=self.container_pools[pool.name],
        )
        CfnOutput(self, "NlbUrl", value=balancer.url)
        return balancer

    def _operator(self) -> Function:
        """`python -m tools.operator` calls it by this name."""
        return Function(
            self,
            "Operator",
            config=self.config,
            code=function_code(self._platform),
            resources=self._resources,
            values=self._values,
            function_name=f"{self.config.project}-{self.config.name}-operator",
        )

    def _lambda_pool(self) -> LambdaTargetGroup:
        api = self.functions["Api"] = Function(
            self,
            "Api",
            config=self.config,
            code=function_code(self._platform, page=True),
            resources=self._resources,
            values={**self._values, "POOL_NAME": "lambda"},
        )
        return LambdaTargetGroup(self, "LambdaPool", config=self.config, function=api.called)

    @cached_property
    def _image(self) -> ecr_assets.DockerImageAsset:
        return ecr_assets.DockerImageAsset(
            self, "Image", directory=str(SOURCES), platform=PLATFORMS[self.config.architecture]
        )

    @cached_property
    def _cluster(self) -> ecs.Cluster:
        return ecs.Cluster(
            self,
            "Cluster",
            vpc=self._vpc,
            container_insights_v2=(
                ecs.ContainerInsights.ENABLED
                if self.config.container_insights
                else ecs.ContainerInsights.DISABLED
            ),
        )

    def _socket_service(self) -> SocketService:
        service = SocketService(
            self,
            "Sockets",
            config=self.config,
            cluster=self._cluster,
            image=ecs.ContainerImage.from_docker_image_asset(self._image),
            values=self._values,
            resources=self._resources,
        )
        service.listen(self.load_balancer)
        service.scale()
        return service

    def _add_containers(self, pools: list[ContainerPool]) -> None:
        image, cluster = self._image, self._cluster
        for pool in pools:
            self.container_pools[pool.name] = ContainerPoolService(
                self,
                construct_id(pool),
                config=self.config,
                pool=pool,
                cluster=cluster,
                image=ecs.ContainerImage.from_docker_image_asset(image),
                values=self._values,
                resources=self._resources,
            )

    def _add_pods(self, pool: KubernetesPool) -> None:
        self.kubernetes_pools[pool.name] = KubernetesPoolPods(
            self,
            construct_id(pool),
            config=self.config,
            pool=pool,
            vpc=self._vpc,
            balancer=self.load_balancer.balancer.connections,
            image=self._image.image_uri,
            values=self._values,
            resources=self._resources,
        )
