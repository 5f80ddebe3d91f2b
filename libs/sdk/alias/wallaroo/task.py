"""Tasks, and the states that they are in."""

from rondo.records import TaskStatus as ArbexStatus  # noqa: F401 - scripts know it by this name
from rondo.task import Task as Task
