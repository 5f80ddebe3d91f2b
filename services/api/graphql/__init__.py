"""GraphQL over the same reads and commands as the routes: what published clients ask by it."""
