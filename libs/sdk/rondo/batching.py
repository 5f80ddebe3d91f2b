"""How small requests are run together."""


class DynamicBatchingConfig(dict[str, "int | None"]):
    """For `ModelVersion.configure`.

    The first request waits up to `max_batch_delay_ms` for others, until they have
    `batch_size_target` rows. One of more than `batch_size_limit` rows is refused.
    """

    def __init__(
        self,
        max_batch_delay_ms: int = 10,
        batch_size_target: int = 4,
        batch_size_limit: int | None = None,
    ) -> None:
        super().__init__(
            max_batch_delay_ms=max_batch_delay_ms,
            batch_size_target=batch_size_target,
            batch_size_limit=batch_size_limit,
        )
