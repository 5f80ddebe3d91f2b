"""GraphQL over the same reads and commands as the routes: the part that published clients use."""
