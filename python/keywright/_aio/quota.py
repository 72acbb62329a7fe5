"""Quotas."""

from __future__ import annotations

from .._generated.quota_calls import QuotaSubmits


class Quota(QuotaSubmits):
    """A quota, made by client.quota(): how much each key may use in a period of the calendar, by the server's clock."""

    __slots__ = ()
