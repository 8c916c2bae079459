"""Checks the signature of a webhook by the Standard Webhooks specification.

standard_webhook.py SECRET ID TIMESTAMP SIGNATURE < PAYLOAD
"""

import base64
import hashlib
import hmac
import sys

secret, message, timestamp, signature = sys.argv[1:]
assert secret.startswith("whsec_"), secret
signed = f"{message}.{timestamp}.".encode() + sys.stdin.buffer.read()
digest = hmac.new(base64.b64decode(secret[6:]), signed, hashlib.sha256).digest()
expected = base64.b64encode(digest).decode()
given = [part[3:] for part in signature.split(" ") if part.startswith("v1,")]
assert expected in given, f"{expected} is not in {signature}"
