"""The SDK for asyncio: the same calls as `rondo`, as coroutines."""
