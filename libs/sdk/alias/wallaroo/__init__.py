"""The Rondo SDK under the name that scripts for the MLOps API import.

Nothing is defined here: names and modules are those of such scripts, what they mean is `rondo`'s.
"""

from rondo import Client as Client
from rondo import Connection as Connection
from rondo import DeploymentConfigBuilder as DeploymentConfigBuilder
from rondo import Orchestration as Orchestration
from rondo import Pipeline as Pipeline
from rondo import Task as Task
from rondo import TaskRun as TaskRun
from rondo import Workspace as Workspace
from rondo import __version__ as __version__
from rondo import in_task as in_task
from rondo import task_args as task_args

from wallaroo import deployment_config as deployment_config
from wallaroo import framework as framework
