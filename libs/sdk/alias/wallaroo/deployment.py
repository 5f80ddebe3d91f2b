"""Deployments."""

from rondo.inference_records import Deployment as Deployment
