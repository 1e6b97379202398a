"""HTTP of mail: the API, Postmark's form of sending, and the webhooks of providers."""

from fazt.apps.mail.routes import addresses, messages, sending
from fazt.apps.mail.routes.email import email
from fazt.apps.mail.routes.inbound import inbound
from fazt.core.app import Mount

ROUTES = [
    *messages.HANDLERS,
    *addresses.HANDLERS,
    *sending.HANDLERS,
    Mount("/mail/inbound", inbound, access="own", help="POST to postmark, ses or raw: mail that a provider brings."),
    Mount("/api/v1/mail/email", email, access="own", help="POST: send a message in Postmark's form; /batch for many."),
]

__all__ = ["ROUTES"]
