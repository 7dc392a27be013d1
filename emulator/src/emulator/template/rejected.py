"""The properties of emulated resource types that stop the start on purpose, each with its reason.

With those in `emulator.template.properties` they are all that CloudFormation's schema has, so that
a property that AWS adds needs a decision. Names are as there.
"""

from __future__ import annotations

from collections.abc import Mapping

_DISTRIBUTION = "DistributionConfig.{}"
_BEHAVIOR = """
    DefaultTTL FieldLevelEncryptionId ForwardedValues FunctionAssociations GrpcConfig
    LambdaFunctionAssociations MaxTTL MinTTL ResponseHeadersPolicyId SmoothStreaming
    TrustedKeyGroups TrustedSigners"""
_CONTAINER = "ContainerDefinitions.{}"
_RULE = "LifecycleConfiguration.Rules.{}"


def _inside(form: str, names: str) -> str:
    return " ".join(form.format(name) for name in names.split())


# for each reason the names by type
REJECTED: Mapping[str, Mapping[str, str]] = {
    "APIs are WebSocket APIs here": {
        "AWS::ApiGatewayV2::Api": """
            BasePath Body BodyS3Location CorsConfiguration CredentialsArn FailOnWarnings RouteKey
            Target""",
        "AWS::ApiGatewayV2::Authorizer": """
            AuthorizerPayloadFormatVersion AuthorizerResultTtlInSeconds EnableSimpleResponses
            IdentityValidationExpression JwtConfiguration""",
        "AWS::ApiGatewayV2::Integration": "ConnectionId IntegrationSubtype TlsConfig",
        "AWS::ApiGatewayV2::Route": "AuthorizationScopes",
    },
    "frames and responses are passed on as they come": {
        "AWS::ApiGatewayV2::Integration": """
            ContentHandlingStrategy RequestParameters RequestTemplates ResponseParameters
            TemplateSelectionExpression""",
        "AWS::ApiGatewayV2::Route": "ModelSelectionExpression RequestModels RequestParameters",
        "AWS::ApiGatewayV2::RouteResponse": """
            ModelSelectionExpression ResponseModels ResponseParameters""",
    },
    "API Gateway calls functions by their own policies here": {
        "AWS::ApiGatewayV2::Authorizer": "AuthorizerCredentialsArn",
        "AWS::ApiGatewayV2::Integration": "CredentialsArn",
    },
    "clients have no API keys and no certificates here": {
        "AWS::ApiGatewayV2::DomainName": "MutualTlsAuthentication",
        "AWS::ApiGatewayV2::Route": "ApiKeyRequired",
        "AWS::ApiGatewayV2::Stage": "ClientCertificateId",
    },
    "an API has one address here": {"AWS::ApiGatewayV2::Api": "DisableExecuteApiEndpoint"},
    "stage variables are put in nowhere": {"AWS::ApiGatewayV2::Stage": "StageVariables"},
    "what scales follows a target here": {
        "AWS::ApplicationAutoScaling::ScalableTarget": "ScheduledActions SuspendedState",
        "AWS::ApplicationAutoScaling::ScalingPolicy": """
            PredictiveScalingPolicyConfiguration StepScalingPolicyConfiguration""",
    },
    "the policy finds its target by ScalingTargetId here": {
        "AWS::ApplicationAutoScaling::ScalingPolicy": """
            ResourceId ScalableDimension ServiceNamespace""",
    },
    "CloudFront is not here: nothing is cached, and its origin is called directly": {
        "AWS::CloudFront::Distribution": " ".join(
            (
                _inside("DistributionConfig.CacheBehaviors.{}", _BEHAVIOR),
                _inside("DistributionConfig.DefaultCacheBehavior.{}", _BEHAVIOR),
                _inside(
                    _DISTRIBUTION,
                    """
                    AnycastIpListId CNAMEs CacheTagConfig ConnectionFunctionAssociation
                    ConnectionMode ContinuousDeploymentPolicyId CustomOrigin DefaultRootObject
                    OriginGroups Origins.OriginAccessControlId Origins.OriginPath
                    Origins.ResponseCompletionTimeout Origins.S3OriginConfig
                    Origins.VpcOriginConfig S3Origin Staging TenantConfig ViewerMtlsConfig""",
                ),
            )
        ),
    },
    "alarms are evaluated once a minute, from the start on": {
        "AWS::CloudWatch::Alarm": """
            EvaluationCriteria EvaluationInterval EvaluationWindow WarmUpConfiguration""",
    },
    "people sign in by a username and a password, and no function is called for it": {
        "AWS::Cognito::UserPool": """
            AliasAttributes DeviceConfiguration IssuerConfiguration LambdaConfig
            UserPoolAddOns.AdvancedSecurityAdditionalFlows WebAuthnFactorConfiguration
            WebAuthnRelyingPartyID WebAuthnUserVerification""",
    },
    "all clients of a pool may do the same, as long as their tokens are good": {
        "AWS::Cognito::UserPoolClient": "ReadAttributes RefreshTokenRotation WriteAttributes",
    },
    "the emulator has one region and one account": {
        "AWS::DynamoDB::GlobalTable": """
            GlobalTableSourceArn GlobalTableWitnesses MultiRegionConsistency TableType""",
        "AWS::KMS::Key": "MultiRegion",
        "AWS::S3::Bucket": "ReplicationConfiguration",
        "AWS::SecretsManager::Secret": "ReplicaRegions",
    },
    "tables begin empty, have no index of vectors, and their streams no reader but functions": {
        "AWS::DynamoDB::GlobalTable": """
            Replicas.KinesisStreamSpecification Replicas.ReplicaStreamSpecification
            VectorIndexes""",
        "AWS::DynamoDB::Table": """
            ImportSourceSpecification KinesisStreamSpecification StreamSpecification.ResourcePolicy
            VectorIndexes""",
    },
    "services find each other by their load balancers here": {
        "AWS::ECS::Cluster": "ServiceConnectDefaults",
        "AWS::ECS::Service": """
            GatewayConnectors LoadBalancers.AdvancedConfiguration LoadBalancers.LoadBalancerName
            Role ServiceConnectConfiguration ServiceRegistries VpcLatticeConfigurations""",
    },
    "metrics have one resolution here": {"AWS::ECS::Service": "Monitoring"},
    "a task is a process of this machine, with its user, files and network": {
        "AWS::ECS::Service": "VolumeConfigurations",
        "AWS::ECS::TaskDefinition": _inside(
            _CONTAINER,
            """
            CredentialSpecs DisableNetworking DnsSearchDomains DnsServers DockerSecurityOptions
            ExtraHosts Hostname Links LinuxParameters.Devices LinuxParameters.MaxSwap
            LinuxParameters.SharedMemorySize LinuxParameters.Swappiness LinuxParameters.Tmpfs
            MountPoints Privileged ResourceRequirements VolumesFrom""",
        )
        + """ EnableFaultInjection InferenceAccelerators IpcMode PidMode PlacementConstraints
            ProxyConfiguration Volumes""",
    },
    "a container is its image with a command and an environment, which its balancer checks": {
        "AWS::ECS::TaskDefinition": _inside(
            _CONTAINER,
            """
            DependsOn EntryPoint EnvironmentFiles FirelensConfiguration HealthCheck RestartPolicy
            Secrets WorkingDirectory""",
        ),
    },
    "a pod has its role alone": {
        "AWS::EKS::PodIdentityAssociation": "DisableSessionTags Policy TargetRoleArn",
    },
    "there are roles, but no users and groups": {
        "AWS::IAM::ManagedPolicy": "Groups Users",
        "AWS::IAM::Policy": "Groups Users",
    },
    "a function is files of this machine, one version of them, and its Python": {
        "AWS::Lambda::Function": """
            CapacityProviderConfig Code.ImageUri Code.S3ObjectVersion DurableConfig
            FileSystemConfigs FunctionScalingConfig ImageConfig Layers PublishToLatestPublished
            TenancyConfig""",
        "AWS::Lambda::Version": "FunctionScalingConfig RuntimePolicy",
    },
    "logs are files, read as they were printed": {
        "AWS::Logs::LogGroup": """
            BearerTokenAuthenticationEnabled DataProtectionPolicy ResourcePolicyDocument""",
        "AWS::Logs::MetricFilter": """
            ApplyOnTransformedLogs EmitSystemFieldDimensions FieldSelectionCriteria""",
    },
    "objects have one version, and expire by their prefix and age": {
        "AWS::S3::Bucket": _inside(
            _RULE,
            """
            ExpirationDate ExpiredObjectDeleteMarker NoncurrentVersionExpiration
            NoncurrentVersionExpirationInDays NoncurrentVersionTransition
            NoncurrentVersionTransitions ObjectSizeGreaterThan ObjectSizeLessThan TagFilters""",
        )
        + " ObjectLockConfiguration ObjectLockEnabled VersioningConfiguration",
    },
    "a bucket has its name, and is neither searched nor watched": {
        "AWS::S3::Bucket": """
            AbacStatus AccelerateConfiguration BucketNamePrefix BucketNamespace
            MetadataConfiguration MetadataTableConfiguration NotificationConfiguration
            WebsiteConfiguration""",
    },
    "a topic passes on what it gets, up to 256 KB, and forgets it": {
        "AWS::SNS::Topic": "ArchivePolicy DataProtectionPolicy MaximumMessageSize",
    },
    "a secret is its value": {"AWS::SecretsManager::Secret": "Type"},
}


def names(resource_type: str) -> frozenset[str]:
    """All names of a type."""
    found = (by_type.get(resource_type, "") for by_type in REJECTED.values())
    return frozenset(" ".join(found).split())


def reason(resource_type: str, path: str) -> str:
    """Why the property stops the start; empty where the reason is its value or that nobody knows
    it."""
    for why, by_type in REJECTED.items():
        if path in by_type.get(resource_type, "").split():
            return why
    return ""
