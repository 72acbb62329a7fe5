"""The base of all exceptions, and their two branches."""

from __future__ import annotations

from typing import Any, ClassVar

from ._generated.keywright import Reason, Status


class Error(Exception):
    """What every exception of this library is: it was Refused, or it Failed.

    The classes below tell the statuses apart; `code` is the status as a number. All of them can be pickled.
    """

    #: The status, by class.
    code: ClassVar[Status]
    #: Tells failures of one class apart, chiefly those of Invalid.
    reason: Reason
    #: Whether trying the same call again can help and cannot do harm.
    retryable: bool
    #: Whether the server may have done what was asked.
    maybe_applied: bool
    #: Where in a text the offending character is, in bytes of UTF-8.
    position: int | None
    #: What the server said; empty when it said nothing.
    server_message: str
    #: Of a call for many: what each was told, None for those that failed.
    answers: list[Any] | None = None

    def __init__(
        self,
        message: str = "",
        *,
        reason: Reason = Reason.NONE,
        retryable: bool = False,
        maybe_applied: bool = False,
        position: int | None = None,
        server_message: str = "",
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.retryable = retryable
        self.maybe_applied = maybe_applied
        self.position = position
        self.server_message = server_message


class Refused(Error):
    """A definite no. Calls that ask return theirs; calls that do something raise it."""


class Failed(Error):
    """The answer is not known, or nothing was tried."""
