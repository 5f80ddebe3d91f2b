"""Programs of users: they know the published SDK and nothing of ours."""
