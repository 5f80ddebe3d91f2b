"""Connections."""

from rondo.connection import Connection as Connection
