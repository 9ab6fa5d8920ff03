"""Payment firms behind one protocol, and what the shop does with what they say."""

from commerce.payments.provider import Provider

__all__ = ["Provider"]
