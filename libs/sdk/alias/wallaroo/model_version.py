"""Versions of models."""

from rondo.model_version import ModelVersion as ModelVersion
