"""Tokens with which the code of a run calls the API: executors sign them, the API checks them."""
