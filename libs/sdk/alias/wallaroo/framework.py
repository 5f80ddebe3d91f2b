"""What models are made of."""

from rondo.framework import Framework as Framework
