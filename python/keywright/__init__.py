"""Rate limiters, and more of what distributed systems need, on Redis and Valkey.

    import keywright

    client = keywright.connect("redis://localhost:6379")  # or "embedded://": a private server, nothing to set up
    api = client.limiter("api", "10/s burst 20")
    decision = api.hit("user:42")
    if not decision:
        ...  # 429, decision.headers()

The same, awaited, is in keywright.aio. What a call can raise are Refused, a definite no, and Failed.
"""

from ._convert import Duration, Key
from ._error import Error, Failed, Refused
from ._generated.counter import Bounds, Count, Expiry, OnBound
from ._generated.errors import (
    AuthenticationFailed,
    Busy,
    Cancelled,
    Closed,
    Conflict,
    ConnectionFailed,
    Denied,
    Exhausted,
    Exists,
    Forked,
    Gone,
    Interrupted,
    Invalid,
    Loading,
    Lost,
    NoMemory,
    NotFound,
    OutOfRange,
    Overloaded,
    PermissionDenied,
    ProtocolError,
    ReadOnly,
    ResolveFailed,
    ServerError,
    ServerMemory,
    Stolen,
    Timeout,
    TlsFailed,
    TooOld,
    Unknown,
    Unsupported,
    WrongType,
)
from ._generated.keywright import MAX_KEY, MAX_NAME, Background, Capability, Info, Reason, Role, Stats, Status
from ._generated.keywright import VERSION as __version__
from ._generated.keywright_calls import hash_tag
from ._generated.limiter import (
    Algorithm,
    Align,
    DecidedBy,
    HitCounts,
    HttpStyle,
    Limit,
    OnFailure,
    Override,
    OverrideChange,
    OverridesState,
)
from ._generated.limiter_calls import limits_parse
from ._generated.quota import Period, Usage
from ._generated.top import Standing, TopEntry
from ._generated.unique import Cardinality, Novelty
from ._port import Submitted
from ._sync.batch import Batch
from ._sync.client import Client, connect
from ._sync.counter import Counter
from ._sync.decision import Decision
from ._sync.joint import Joint
from ._sync.joint_decision import JointDecision
from ._sync.limiter import Limiter
from ._sync.quota import Quota
from ._sync.reservation import Reservation
from ._sync.top import Top
from ._sync.unique import Unique

__all__ = [
    "MAX_KEY",
    "MAX_NAME",
    "Algorithm",
    "Align",
    "AuthenticationFailed",
    "Background",
    "Batch",
    "Bounds",
    "Busy",
    "Cancelled",
    "Capability",
    "Cardinality",
    "Client",
    "Closed",
    "Conflict",
    "ConnectionFailed",
    "Count",
    "Counter",
    "DecidedBy",
    "Decision",
    "Denied",
    "Duration",
    "Error",
    "Exhausted",
    "Exists",
    "Expiry",
    "Failed",
    "Forked",
    "Gone",
    "HitCounts",
    "HttpStyle",
    "Info",
    "Interrupted",
    "Invalid",
    "Joint",
    "JointDecision",
    "Key",
    "Limit",
    "Limiter",
    "Loading",
    "Lost",
    "NoMemory",
    "NotFound",
    "Novelty",
    "OnBound",
    "OnFailure",
    "OutOfRange",
    "Overloaded",
    "Override",
    "OverrideChange",
    "OverridesState",
    "Period",
    "PermissionDenied",
    "ProtocolError",
    "Quota",
    "ReadOnly",
    "Reason",
    "Refused",
    "Reservation",
    "ResolveFailed",
    "Role",
    "ServerError",
    "ServerMemory",
    "Standing",
    "Stats",
    "Status",
    "Stolen",
    "Submitted",
    "Timeout",
    "TlsFailed",
    "TooOld",
    "Top",
    "TopEntry",
    "Unique",
    "Unknown",
    "Unsupported",
    "Usage",
    "WrongType",
    "__version__",
    "connect",
    "hash_tag",
    "limits_parse",
]

# What people see of a class is where they import it from.
for _name in __all__:
    _value = globals()[_name]
    if isinstance(_value, type) and _value.__module__.startswith(f"{__name__}."):
        _value.__module__ = __name__
del _name, _value
