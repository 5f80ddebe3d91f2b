"""Models."""

from rondo.model import Model as Model
