"""The Rondo SDK: `Client` for scripts and notebooks, `AsyncClient` for asyncio programs."""

from typing import TYPE_CHECKING, Any

from rondo.batching import DynamicBatchingConfig
from rondo.client import Client
from rondo.connection import Connection
from rondo.credentials import Password, Tokens
from rondo.deployment_config import DeploymentConfigBuilder
from rondo.errors import RondoError
from rondo.event import Event
from rondo.framework import Framework
from rondo.inference_records import Deployment, PipelineVersion
from rondo.log_lines import Logs
from rondo.model import Model
from rondo.model_version import ModelVersion
from rondo.orchestration import Orchestration
from rondo.pipeline import Pipeline
from rondo.records import TaskStatus
from rondo.service_token import ServiceToken
from rondo.tag import Tag
from rondo.task import Task
from rondo.task_environment import in_task, task_args
from rondo.task_run import TaskRun
from rondo.user import Account, Member, User
from rondo.validation import column
from rondo.version import __version__
from rondo.workspace import Workspace

if TYPE_CHECKING:
    from rondo.aio.client import AsyncClient

__all__ = [
    "Account",
    "AsyncClient",
    "Client",
    "Connection",
    "Deployment",
    "DeploymentConfigBuilder",
    "DynamicBatchingConfig",
    "Event",
    "Framework",
    "Logs",
    "Member",
    "Model",
    "ModelVersion",
    "Orchestration",
    "Password",
    "Pipeline",
    "PipelineVersion",
    "RondoError",
    "ServiceToken",
    "Tag",
    "Task",
    "TaskRun",
    "TaskStatus",
    "Tokens",
    "User",
    "Workspace",
    "__version__",
    "column",
    "in_task",
    "task_args",
]


def __getattr__(name: str) -> Any:
    if name == "AsyncClient":  # asyncio takes longer to load than all the rest
        from rondo.aio.client import AsyncClient

        return AsyncClient
    raise AttributeError(f"module 'rondo' has no attribute {name!r}")
