#!/usr/bin/env bash
# standardwebhooks 1.1.0 (Python): Webhook.sign() takes an aware datetime and puts UTC in the place of
# its zone, without converting it. So a time in any other zone is signed as another instant.
# Expected: the same instant gives the same signature, whichever zone it is written in.
# Seen: the signature of 12:00+02:00 differs from that of 10:00+00:00, and the library refuses its own
# signature beside the header that tells the right second.
# So whoever signs with it must pass a time in UTC.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check standardwebhooks==1.1.0
"$folder/venv/bin/python" - <<'PY'
import sys
from base64 import b64encode
from datetime import datetime, timedelta, timezone
from importlib.metadata import version
from secrets import token_bytes

from standardwebhooks import Webhook, WebhookVerificationError

webhook = Webhook(b64encode(token_bytes(24)).decode())
body = '{"type":"run.finished"}'
now = datetime.now(timezone.utc).replace(microsecond=0)
answers = {}
for name, instant in {
    "UTC": now,
    "UTC+2": now.astimezone(timezone(timedelta(hours=2))),
}.items():
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(instant.timestamp())),
        "webhook-signature": webhook.sign("msg_1", instant, body),
    }
    try:
        webhook.verify(body, headers)
        answers[name] = "verified"
    except WebhookVerificationError as error:
        answers[name] = f"refused: {error}"
    print(f"signed by a time in {name:6}", answers[name])
print("standardwebhooks", version("standardwebhooks"))
sys.exit(0 if answers["UTC"] == "verified" and answers["UTC+2"].startswith("refused") else 1)
PY
