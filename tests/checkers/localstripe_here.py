"""localstripe, an independent play of Stripe, on a free port of the loopback; prints the port.

It speaks a version of some years ago. What it lacks of the version we speak is told here in full:
two parameters that it would refuse, and fields that our types cannot do without. Whatever it has
itself is left as it is.
"""
import socket

from aiohttp import web
from localstripe import resources, server

FIELDS = {
    "payment_intent": lambda it: {
        "amount_capturable": 0,
        "amount_received": it["amount"] if it["status"] == "succeeded" else 0,
        "confirmation_method": "automatic",
        "payment_method_types": ["card"],
    },
    "charge": lambda it: {
        "amount_captured": it["amount"] if it["captured"] else 0,
        "billing_details": {},
        "disputed": False,
    },
    "balance_transaction": lambda it: {"balance_type": "payments"},
}


def export(self, expand=None, original=resources.StripeObject._export):
    exported = original(self, expand)
    missing = FIELDS.get(exported["object"], lambda it: {})(exported)
    return {**missing, **exported}


def payment_intent(self, *args, original=resources.PaymentIntent.__init__, **params):
    description = params.pop("description", None)
    assert params.pop("allowed_payment_method_types") == ["card"]
    original(self, *args, **params)
    self.description = description


resources.StripeObject._export = export
resources.PaymentIntent.__init__ = payment_intent
# Nothing of it outlives the test.
resources.store.dump_to_disk = lambda: None

listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
web.run_app(server.app, sock=listener, print=None)
