"""keywright for asyncio: the same names, awaited.

    import keywright.aio

    async with keywright.aio.connect("redis://localhost:6379") as client:
        api = client.limiter("api", "10/s burst 20")
        decision = await api.hit("user:42")
        first, second = await asyncio.gather(api.hit("a"), api.hit("b"))  # one write

An operation is submitted when it is made, and is a future: cancelling it cancels the call, and it has no truth value.
Errors, enums and records are those of keywright.
"""

from ._aio.batch import Batch
from ._aio.client import Client, connect
from ._aio.counter import Counter
from ._aio.decision import Decision
from ._aio.joint import Joint
from ._aio.joint_decision import JointDecision
from ._aio.limiter import Limiter
from ._aio.quota import Quota
from ._aio.reservation import Reservation
from ._aio.top import Top
from ._aio.unique import Unique
from ._loop import Operation

__all__ = [
    "Batch",
    "Client",
    "Counter",
    "Decision",
    "Joint",
    "JointDecision",
    "Limiter",
    "Operation",
    "Quota",
    "Reservation",
    "Top",
    "Unique",
    "connect",
]

# What people see of a class is where they import it from.
for _kind in (
    Batch,
    Client,
    Counter,
    Decision,
    Joint,
    JointDecision,
    Limiter,
    Operation,
    Quota,
    Reservation,
    Top,
    Unique,
):
    _kind.__module__ = __name__
del _kind
