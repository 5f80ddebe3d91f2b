"""Pipelines."""

from rondo.pipeline import Pipeline as Pipeline
