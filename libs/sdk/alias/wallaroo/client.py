"""The client."""

from rondo.client import Client as Client
