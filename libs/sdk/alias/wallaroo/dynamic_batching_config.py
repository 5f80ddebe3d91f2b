"""How small requests are run together."""

from rondo.batching import DynamicBatchingConfig as DynamicBatchingConfig
