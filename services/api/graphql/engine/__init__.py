"""Executes GraphQL documents over a schema: the only room that imports graphql-core."""
