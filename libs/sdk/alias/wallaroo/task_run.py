"""Runs of tasks."""

from rondo.task_run import TaskRun as TaskRun
