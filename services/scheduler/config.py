from libs.service.config import WithPostgres


class Config(WithPostgres, frozen=True, kw_only=True):
    """The scheduler needs nothing of its own."""
