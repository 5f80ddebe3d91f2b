"""How pipelines are served."""

from rondo.deployment_config import DeploymentConfigBuilder as DeploymentConfigBuilder
