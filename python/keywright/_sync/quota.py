# Made by bindings/generate.py from python/keywright/_aio/quota.py. Change that file and run ./dev gen.
"""Quotas."""

from __future__ import annotations

from .._generated.quota_calls import QuotaCalls


class Quota(QuotaCalls):
    """A quota, made by client.quota(): how much each key may use in a period of the calendar, by the server's clock."""

    __slots__ = ()
