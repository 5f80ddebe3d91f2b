"""Credentials that are wrong."""

import json

import wallaroo

try:
    wallaroo.Client()
except Exception as error:
    print(json.dumps({"error": type(error).__name__, "text": str(error)}))
