"""The properties of emulated resource types that are read here, or have no effect on a laptop.

Any other property stops the start, those in `emulator.template.rejected` with the reason: what is
deployed but not run must be a decision that somebody wrote down. Names are those of the
CloudFormation template reference, "A.B" one inside another; `A=b|c` is one with these values alone.
A name stands for all that is inside of it, unless names inside of it are listed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from emulator.resource import Resource
from emulator.template import rejected
from emulator.template.intrinsics import is_intrinsic

# Values by which a property is as good as absent. A list is one as well if each of its entries is.
_NOTHING: tuple[Any, ...] = (None, False, "false", "", 0)
# Their providers check all of their properties.
CHECKED_BY_PROVIDER = frozenset(
    {
        "AWS::CloudFormation::CustomResource",
        "AWS::Lambda::EventSourceMapping",
        "AWS::Lambda::Permission",
    }
)
_EVERYWHERE = {"Tags"}

_READ: Mapping[str, str] = {
    "AWS::ApiGatewayV2::Api": "ProtocolType RouteSelectionExpression",
    "AWS::ApiGatewayV2::ApiMapping": "ApiId ApiMappingKey DomainName Stage",
    "AWS::ApiGatewayV2::Authorizer": "ApiId AuthorizerType AuthorizerUri IdentitySource",
    "AWS::ApiGatewayV2::Deployment": "ApiId",
    "AWS::ApiGatewayV2::DomainName": "DomainName",
    "AWS::ApiGatewayV2::Integration": """
        ApiId ConnectionType=INTERNET IntegrationMethod=POST IntegrationType IntegrationUri
        PassthroughBehavior=WHEN_NO_MATCH PayloadFormatVersion=1.0 TimeoutInMillis""",
    "AWS::ApiGatewayV2::Route": """
        ApiId AuthorizationType AuthorizerId RouteKey RouteResponseSelectionExpression Target""",
    "AWS::ApiGatewayV2::RouteResponse": "ApiId RouteId RouteResponseKey",
    "AWS::ApiGatewayV2::Stage": "AccessLogSettings ApiId RouteSettings StageName",
    "AWS::ApplicationAutoScaling::ScalableTarget": """
        MaxCapacity MinCapacity ResourceId ScalableDimension ServiceNamespace""",
    "AWS::ApplicationAutoScaling::ScalingPolicy": """
        PolicyName PolicyType ScalingTargetId
        TargetTrackingScalingPolicyConfiguration""",
    "AWS::CloudFront::Distribution": """
        DistributionConfig.Origins.CustomOriginConfig DistributionConfig.Origins.DomainName
        DistributionConfig.Origins.Id DistributionConfig.Origins.OriginCustomHeaders""",
    "AWS::CloudWatch::Alarm": """
        AlarmDescription AlarmName ComparisonOperator DatapointsToAlarm Dimensions EvaluationPeriods
        ExtendedStatistic MetricName Metrics Namespace Period Statistic Threshold
        ThresholdMetricId TreatMissingData""",
    "AWS::CloudWatch::CompositeAlarm": """
        ActionsEnabled ActionsSuppressor AlarmDescription AlarmName AlarmRule""",
    "AWS::CloudWatch::Dashboard": "DashboardBody DashboardName",
    "AWS::Cognito::UserPool": """
        AccountRecoverySetting AdminCreateUserConfig AutoVerifiedAttributes
        MfaConfiguration=OFF
        Policies.PasswordPolicy Schema UserAttributeUpdateSettings UserPoolName
        UsernameAttributes UsernameConfiguration
        VerificationMessageTemplate.DefaultEmailOption=CONFIRM_WITH_CODE""",
    "AWS::Cognito::UserPoolClient": """
        AccessTokenValidity ClientName ExplicitAuthFlows GenerateSecret IdTokenValidity
        PreventUserExistenceErrors RefreshTokenValidity TokenValidityUnits UserPoolId""",
    "AWS::DynamoDB::GlobalTable": """
        AttributeDefinitions GlobalSecondaryIndexes.IndexName GlobalSecondaryIndexes.KeySchema
        GlobalSecondaryIndexes.Projection KeySchema LocalSecondaryIndexes Replicas.ResourcePolicy
        StreamSpecification.StreamViewType TableName TimeToLiveSpecification""",
    "AWS::DynamoDB::Table": """
        AttributeDefinitions GlobalSecondaryIndexes.IndexName GlobalSecondaryIndexes.KeySchema
        GlobalSecondaryIndexes.Projection KeySchema LocalSecondaryIndexes ResourcePolicy
        StreamSpecification.StreamViewType TableName TimeToLiveSpecification""",
    "AWS::ECS::Cluster": "ClusterName",
    "AWS::ECS::Service": """
        Cluster DeploymentController.Type=ECS|CODE_DEPLOY DesiredCount HealthCheckGracePeriodSeconds
        LoadBalancers.ContainerName LoadBalancers.ContainerPort LoadBalancers.TargetGroupArn
        SchedulingStrategy=REPLICA ServiceName TaskDefinition""",
    "AWS::ECS::TaskDefinition": """
        ContainerDefinitions.Command ContainerDefinitions.Environment ContainerDefinitions.Image
        ContainerDefinitions.Name ContainerDefinitions.StopTimeout Cpu Family TaskRoleArn""",
    "AWS::EKS::PodIdentityAssociation": "Namespace RoleArn ServiceAccount",
    "AWS::ElasticLoadBalancingV2::Listener": """
        AlpnPolicy Certificates DefaultActions ListenerAttributes LoadBalancerArn
        MutualAuthentication Port Protocol SslPolicy""",
    "AWS::ElasticLoadBalancingV2::ListenerRule": """
        Actions Conditions ListenerArn Priority Transforms""",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "LoadBalancerAttributes Name Type",
    "AWS::ElasticLoadBalancingV2::TargetGroup": """
        HealthCheckEnabled HealthCheckIntervalSeconds HealthCheckPath HealthCheckPort
        HealthCheckProtocol HealthCheckTimeoutSeconds HealthyThresholdCount IpAddressType=ipv4
        Matcher Name Port Protocol ProtocolVersion TargetControlPort TargetGroupAttributes
        TargetType Targets UnhealthyThresholdCount""",
    "AWS::Events::Rule": "EventBusName EventPattern Name RoleArn ScheduleExpression State Targets",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName Path PolicyDocument Roles",
    "AWS::IAM::Policy": "PolicyDocument PolicyName Roles",
    "AWS::IAM::Role": """
        AssumeRolePolicyDocument ManagedPolicyArns Path PermissionsBoundary Policies RoleName""",
    "AWS::IAM::RolePolicy": "PolicyDocument PolicyName RoleName",
    "AWS::KMS::Alias": "AliasName TargetKeyId",
    "AWS::KMS::Key": "Enabled KeyPolicy KeySpec KeyUsage Origin=AWS_KMS",
    "AWS::Lambda::Alias": "FunctionName FunctionVersion Name RoutingConfig",
    "AWS::Lambda::EventInvokeConfig": """
        DestinationConfig FunctionName MaximumEventAgeInSeconds MaximumRetryAttempts Qualifier""",
    "AWS::Lambda::Function": """
        Code.S3Bucket Code.S3Key Code.ZipFile DeadLetterConfig Environment EphemeralStorage
        FunctionName Handler LoggingConfig.ApplicationLogLevel LoggingConfig.LogFormat
        LoggingConfig.LogGroup MemorySize PackageType ReservedConcurrentExecutions Role Runtime
        SnapStart.ApplyOn=None Timeout""",
    "AWS::Lambda::Version": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupClass=STANDARD LogGroupName",
    "AWS::Logs::MetricFilter": """
        FilterName FilterPattern LogGroupName MetricTransformations.DefaultValue
        MetricTransformations.Dimensions MetricTransformations.MetricName
        MetricTransformations.MetricNamespace MetricTransformations.MetricValue""",
    "AWS::S3::Bucket": """
        BucketName CorsConfiguration.CorsRules.AllowedHeaders
        CorsConfiguration.CorsRules.AllowedMethods CorsConfiguration.CorsRules.AllowedOrigins
        CorsConfiguration.CorsRules.ExposedHeaders CorsConfiguration.CorsRules.Id
        CorsConfiguration.CorsRules.MaxAge
        LifecycleConfiguration.Rules.AbortIncompleteMultipartUpload
        LifecycleConfiguration.Rules.ExpirationInDays LifecycleConfiguration.Rules.Id
        LifecycleConfiguration.Rules.Prefix LifecycleConfiguration.Rules.Status""",
    "AWS::S3::BucketPolicy": "Bucket PolicyDocument",
    "AWS::SNS::Topic": "ContentBasedDeduplication FifoTopic TopicName",
    "AWS::SNS::TopicPolicy": "PolicyDocument Topics",
    "AWS::SQS::Queue": """
        ContentBasedDeduplication DeduplicationScope DelaySeconds FifoQueue FifoThroughputLimit
        MaximumMessageSize MessageRetentionPeriod QueueName ReceiveMessageWaitTimeSeconds
        RedriveAllowPolicy RedrivePolicy VisibilityTimeout""",
    "AWS::SQS::QueuePolicy": "PolicyDocument Queues",
    "AWS::SecretsManager::ResourcePolicy": "ResourcePolicy SecretId",
    "AWS::SecretsManager::Secret": "GenerateSecretString Name SecretString",
}

# Everything is on one machine, in one version: nothing is encrypted, backed up, replicated, traced,
# shifted or sent out of it, and no table, alias or service waits for capacity.
_WITHOUT_EFFECT: Mapping[str, str] = {
    # with ApiKeyRequired and with models alone, which are not supported
    "AWS::ApiGatewayV2::Api": """
        ApiKeySelectionExpression Description DisableSchemaValidation IpAddressType Name Version""",
    "AWS::ApiGatewayV2::Authorizer": "Name",
    "AWS::ApiGatewayV2::Deployment": "Description StageName",
    "AWS::ApiGatewayV2::DomainName": """
        DomainNameConfigurations RoutingMode=API_MAPPING_ONLY""",
    "AWS::ApiGatewayV2::Integration": "Description",
    "AWS::ApiGatewayV2::Route": "OperationName",
    "AWS::ApiGatewayV2::Stage": "AutoDeploy DefaultRouteSettings DeploymentId Description",
    "AWS::ApplicationAutoScaling::ScalableTarget": "RoleARN",
    "AWS::CloudFront::Distribution": """
        DistributionConfig.Aliases DistributionConfig.CacheBehaviors.AllowedMethods
        DistributionConfig.CacheBehaviors.CachePolicyId
        DistributionConfig.CacheBehaviors.CachedMethods DistributionConfig.CacheBehaviors.Compress
        DistributionConfig.CacheBehaviors.OriginRequestPolicyId
        DistributionConfig.CacheBehaviors.PathPattern
        DistributionConfig.CacheBehaviors.RealtimeLogConfigArn
        DistributionConfig.CacheBehaviors.TargetOriginId
        DistributionConfig.CacheBehaviors.ViewerProtocolPolicy
        DistributionConfig.Comment DistributionConfig.CustomErrorResponses
        DistributionConfig.DefaultCacheBehavior.AllowedMethods
        DistributionConfig.DefaultCacheBehavior.CachePolicyId
        DistributionConfig.DefaultCacheBehavior.CachedMethods
        DistributionConfig.DefaultCacheBehavior.Compress
        DistributionConfig.DefaultCacheBehavior.OriginRequestPolicyId
        DistributionConfig.DefaultCacheBehavior.RealtimeLogConfigArn
        DistributionConfig.DefaultCacheBehavior.TargetOriginId
        DistributionConfig.DefaultCacheBehavior.ViewerProtocolPolicy
        DistributionConfig.Enabled DistributionConfig.HttpVersion DistributionConfig.IPV6Enabled
        DistributionConfig.Logging DistributionConfig.Origins.ConnectionAttempts
        DistributionConfig.Origins.ConnectionTimeout DistributionConfig.Origins.OriginShield
        DistributionConfig.PriceClass DistributionConfig.Restrictions
        DistributionConfig.ViewerCertificate DistributionConfig.WebACLId""",
    # alone it notifies nobody here; what is measured has one unit, and no statistics of its own
    "AWS::CloudWatch::Alarm": """
        ActionConfiguration ActionsEnabled AlarmActions EvaluateLowSampleCountPercentile
        InsufficientDataActions OKActions Unit""",
    "AWS::CloudWatch::CompositeAlarm": """
        ActionConfiguration ActionsSuppressorExtensionPeriod ActionsSuppressorWaitPeriod
        AlarmActions InsufficientDataActions OKActions""",
    # what is sent to phones and by which mail server; encryption; the tier is what is paid for;
    # second factors where MfaConfiguration is OFF; what threat protection writes down
    "AWS::Cognito::UserPool": """
        DeletionProtection EmailAuthenticationMessage EmailAuthenticationSubject EmailConfiguration
        EmailVerificationMessage EmailVerificationSubject EnabledMfas KeyConfiguration
        Policies.SignInPolicy.AllowedFirstAuthFactors=PASSWORD SmsAuthenticationMessage
        SmsConfiguration SmsVerificationMessage
        UserPoolAddOns.AdvancedSecurityMode=OFF|AUDIT
        UserPoolTags UserPoolTier VerificationMessageTemplate.EmailMessage
        VerificationMessageTemplate.EmailMessageByLink VerificationMessageTemplate.EmailSubject
        VerificationMessageTemplate.EmailSubjectByLink VerificationMessageTemplate.SmsMessage""",
    # without a domain of the pool, which stops the start, nobody signs in by OAuth
    "AWS::Cognito::UserPoolClient": """
        AllowedOAuthFlows AllowedOAuthFlowsUserPoolClient AllowedOAuthScopes AnalyticsConfiguration
        AuthSessionValidity CallbackURLs DefaultRedirectURI
        EnablePropagateAdditionalUserContextData EnableTokenRevocation=true LogoutURLs
        SupportedIdentityProviders=COGNITO""",
    "AWS::DynamoDB::GlobalTable": """
        BillingMode GlobalSecondaryIndexes.ReadOnDemandThroughputSettings
        GlobalSecondaryIndexes.ReadProvisionedThroughputSettings
        GlobalSecondaryIndexes.WarmThroughput
        GlobalSecondaryIndexes.WriteOnDemandThroughputSettings
        GlobalSecondaryIndexes.WriteProvisionedThroughputSettings ReadOnDemandThroughputSettings
        ReadProvisionedThroughputSettings Replicas.ContributorInsightsSpecification
        Replicas.DeletionProtectionEnabled Replicas.DisassociationProtectionEnabled
        Replicas.GlobalSecondaryIndexes Replicas.GlobalTableSettingsReplicationMode
        Replicas.PointInTimeRecoverySpecification Replicas.ReadOnDemandThroughputSettings
        Replicas.ReadProvisionedThroughputSettings Replicas.Region Replicas.SSESpecification
        Replicas.TableClass Replicas.Tags SSESpecification WarmThroughput
        WriteOnDemandThroughputSettings WriteProvisionedThroughputSettings""",
    "AWS::DynamoDB::Table": """
        BillingMode ContributorInsightsSpecification DeletionProtectionEnabled
        GlobalSecondaryIndexes.ContributorInsightsSpecification
        GlobalSecondaryIndexes.OnDemandThroughput GlobalSecondaryIndexes.ProvisionedThroughput
        GlobalSecondaryIndexes.WarmThroughput OnDemandThroughput PointInTimeRecoverySpecification
        ProvisionedThroughput SSESpecification StreamSpecification.Tags TableClass
        WarmThroughput""",
    "AWS::ECS::Cluster": """
        CapacityProviders ClusterSettings Configuration DefaultCapacityProviderStrategy""",
    "AWS::ECS::Service": """
        AvailabilityZoneRebalancing CapacityProviderStrategy DeploymentConfiguration
        EnableECSManagedTags EnableExecuteCommand ForceNewDeployment LaunchType
        NetworkConfiguration PlacementConstraints PlacementStrategies PlatformVersion
        PropagateTags""",
    # a task is a process of this user, in a directory of its own, and has the machine's memory
    "AWS::ECS::TaskDefinition": """
        ContainerDefinitions.Cpu ContainerDefinitions.DockerLabels ContainerDefinitions.Essential
        ContainerDefinitions.Interactive ContainerDefinitions.LinuxParameters.Capabilities
        ContainerDefinitions.LinuxParameters.InitProcessEnabled
        ContainerDefinitions.LogConfiguration ContainerDefinitions.Memory
        ContainerDefinitions.MemoryReservation ContainerDefinitions.PortMappings
        ContainerDefinitions.PseudoTerminal ContainerDefinitions.ReadonlyRootFilesystem
        ContainerDefinitions.RepositoryCredentials ContainerDefinitions.StartTimeout
        ContainerDefinitions.SystemControls ContainerDefinitions.Ulimits ContainerDefinitions.User
        ContainerDefinitions.VersionConsistency EphemeralStorage ExecutionRoleArn Memory NetworkMode
        RequiresCompatibilities RuntimePlatform""",
    "AWS::EKS::PodIdentityAssociation": "ClusterName",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": """
        EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic IpAddressType
        EnableCapacityReservationProvisionStabilize EnablePrefixForIpv6SourceNat Ipv4IpamPoolId
        MinimumLoadBalancerCapacity Scheme SecurityGroups SubnetMappings Subnets""",
    "AWS::ElasticLoadBalancingV2::TargetGroup": "VpcId",
    "AWS::Events::Rule": "Description",
    "AWS::IAM::ManagedPolicy": "Description",
    "AWS::IAM::Role": "Description MaxSessionDuration",
    "AWS::KMS::Key": """
        BypassPolicyLockoutSafetyCheck Description EnableKeyRotation PendingWindowInDays
        RotationPeriodInDays""",
    "AWS::Lambda::Alias": "Description ProvisionedConcurrencyConfig",
    "AWS::Lambda::Function": """
        Architectures Code.S3ObjectStorageMode Code.SourceKMSKeyArn CodeSigningConfigArn
        Description KmsKeyArn LoggingConfig.SystemLogLevel RecursiveLoop
        RuntimeManagementConfig TracingConfig VpcConfig""",
    "AWS::Lambda::Version": "CodeSha256 Description ProvisionedConcurrencyConfig",
    "AWS::Logs::LogGroup": """
        DeletionProtectionEnabled FieldIndexPolicies KmsKeyId RetentionInDays""",
    "AWS::Logs::MetricFilter": "MetricTransformations.Unit",
    # storage classes whose objects are read as before; those of GLACIER are restored first
    "AWS::S3::Bucket": """
        AccessControl AnalyticsConfigurations BucketEncryption IntelligentTieringConfigurations
        InventoryConfigurations
        LifecycleConfiguration.Rules.Transition.StorageClass=STANDARD_IA|ONEZONE_IA|INTELLIGENT_TIERING|GLACIER_IR
        LifecycleConfiguration.Rules.Transition.TransitionDate
        LifecycleConfiguration.Rules.Transition.TransitionInDays
        LifecycleConfiguration.Rules.Transitions.StorageClass=STANDARD_IA|ONEZONE_IA|INTELLIGENT_TIERING|GLACIER_IR
        LifecycleConfiguration.Rules.Transitions.TransitionDate
        LifecycleConfiguration.Rules.Transitions.TransitionInDays
        LifecycleConfiguration.TransitionDefaultMinimumObjectSize
        LoggingConfiguration MetricsConfigurations OwnershipControls
        PublicAccessBlockConfiguration""",
    # nobody subscribes here
    "AWS::SNS::Topic": """
        DeliveryStatusLogging DisplayName FifoThroughputScope KmsMasterKeyId SignatureVersion
        Subscription TracingConfig""",
    "AWS::SQS::Queue": "KmsDataKeyReusePeriodSeconds KmsMasterKeyId SqsManagedSseEnabled",
    "AWS::SecretsManager::ResourcePolicy": "BlockPublicPolicy",
    "AWS::SecretsManager::Secret": "Description KmsKeyId",
}


def known(resource_type: str) -> frozenset[str]:
    """The names in both tables."""
    return frozenset(f"{_READ[resource_type]} {_WITHOUT_EFFECT.get(resource_type, '')}".split())


def unsupported(resource: Resource, properties: Mapping[str, Any]) -> list[str]:
    """A sentence for each property that the emulator does not support, or not with that value. An
    intrinsic that is not resolved yet passes: it may stand for nothing."""
    if resource.type in CHECKED_BY_PROVIDER or resource.type.startswith("Custom::"):
        return []
    parts = (each.partition("=") for each in known(resource.type))
    allowed = {name: values for name, _, values in parts}
    found = []
    for path, value in _unknown("", properties, allowed):
        what = f"{path} {value}" if path in allowed else path
        why = rejected.reason(resource.type, path)
        end = f"not supported: {why}. Remove it" if why else "not supported here: remove it"
        found.append(f"{resource}: {what} is {end}")
    return [*dict.fromkeys(found)]


def _unknown(path: str, value: Any, allowed: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    if is_intrinsic(value):
        return
    if path in allowed:
        values = allowed[path].lower().split("|")
        given = value if isinstance(value, list) else [value]
        literal = [each for each in given if not is_intrinsic(each)]
        if values != [""] and any(str(each).lower() not in values for each in literal):
            yield path, value
    elif path and not any(name.startswith(f"{path}.") for name in allowed):
        if path not in _EVERYWHERE and not _is_nothing(value):
            yield path, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _unknown(f"{path}.{name}" if path else name, inner, allowed)
    elif isinstance(value, list):
        for inner in value:
            yield from _unknown(path, inner, allowed)


def _is_nothing(value: Any) -> bool:
    if isinstance(value, Mapping):
        return is_intrinsic(value) or all(map(_is_nothing, value.values()))
    return all(map(_is_nothing, value)) if isinstance(value, list) else value in _NOTHING
