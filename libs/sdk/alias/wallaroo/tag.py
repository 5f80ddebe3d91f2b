"""Tags."""

from rondo.tag import Tag as Tag
