"""What limiters promise, in fractions and plain integers: no server, and none of the library's arithmetic.

The keys of a server as docs/keys.md has them (`Keys`), one file for each shape of state, and what several limits decide
together (`Several`). Times are microseconds of the server's clock.
"""

from .counter import Counter
from .keys import FOREVER, NEVER, Grant, Keys, Shape, View
from .leases import Leases
from .log import Log
from .several import Decision, Several
from .tat import Tat
from .window import Window

__all__ = [
    "FOREVER",
    "NEVER",
    "Counter",
    "Decision",
    "Grant",
    "Keys",
    "Leases",
    "Log",
    "Several",
    "Shape",
    "Tat",
    "View",
    "Window",
]
