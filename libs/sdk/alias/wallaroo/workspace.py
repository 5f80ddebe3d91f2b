"""Workspaces."""

from rondo.workspace import Workspace as Workspace
