"""Postgres: a pool a service, one schema a service, numbered migrations, SQL of PostgreSQL 15."""
