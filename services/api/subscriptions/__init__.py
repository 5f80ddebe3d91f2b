"""Being told of events: by webhooks, and directly on NATS.

A subscription is an aggregate of the log (libs/domain/subscription.py). Here is what comes of it:
deliveries over HTTP with their retries and dead letters, and consumers and credentials on NATS.
"""
