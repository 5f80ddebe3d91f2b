"""Subscriptions: who gets a workspace's events, by webhook or on NATS.

What comes of one (deliveries, retries, dead letters, consumers) is services/webhooks. Members of a
workspace see all of its subscriptions. Whoever created one, the workspace's owners and
administrators may change it.
"""
