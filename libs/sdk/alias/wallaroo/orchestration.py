"""Orchestrations, and what can go wrong with them."""

from rondo.errors import OrchestrationDeployOneshotFailed as OrchestrationDeployOneshotFailed
from rondo.errors import OrchestrationMissingFile as OrchestrationMissingFile
from rondo.errors import OrchestrationUploadFailed as OrchestrationUploadFailed
from rondo.orchestration import Orchestration as Orchestration
