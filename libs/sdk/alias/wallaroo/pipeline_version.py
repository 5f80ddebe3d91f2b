"""Versions of pipelines."""

from rondo.inference_records import PipelineVersion as PipelineVersion
