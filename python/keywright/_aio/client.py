"""The client, from which everything else is made."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Literal

from .._connect import open_client
from .._convert import Duration, Key, to_timeout
from .._generated.counter import Bounds, Expiry, ExpiryName, OnBound, OnBoundName
from .._generated.counter_calls import counter_opener
from .._generated.joint_calls import joint_opener
from .._generated.keywright_calls import ClientSubmits
from .._generated.limiter import Algorithm, AlgorithmName, Align, AlignName, OnFailure, OnFailureName
from .._generated.limiter_calls import limiter_opener
from .._generated.quota import Period, PeriodName
from .._generated.quota_calls import quota_opener
from .._generated.top_calls import top_opener
from .._generated.unique_calls import unique_opener
from .._objects import AsyncClient
from .batch import Batch
from .counter import Counter
from .joint import Joint, joint_kind, members
from .limiter import Limiter, limiter_kind
from .quota import Quota
from .top import Top
from .unique import Unique


class Client(ClientSubmits, AsyncClient):
    """A way to one server, made by connect(), from which everything else is made.

    Making it sends nothing. `async with` shakes hands at once, and closes it at the end. Everything made from it may be
    used by many at once.
    """

    __slots__ = ()

    def limiter(
        self,
        name: Key,
        limits: str,
        *,
        algorithm: Algorithm | AlgorithmName | None = None,
        max_wait: Duration | None = None,
        align: Align | AlignName | None = None,
        zone_offset: int | None = None,
        lease: Duration | None = None,
        shadow: bool | None = None,
        charge_denials: bool | None = None,
        block: Duration | None = None,
        block_max: Duration | None = None,
        on_failure: OnFailure | OnFailureName | None = None,
        local_share: int | None = None,
        timeout: Duration | None = None,
        denial_cache: int | None = None,
        denial_ttl: Duration | None = None,
        reservations: bool | None = None,
        coalesce: bool | None = None,
        token_lease: int | None = None,
        token_ttl: Duration | None = None,
        overrides: Duration | None = None,
    ) -> Limiter:
        """Makes a rate limiter. Sends nothing. All limiters of one name, limit and algorithm share their state.

        Args:
            name: the limiter's name
            limits: what it admits, as "10/s burst 20", "100 per minute" or "10 concurrent"; several, as in
                "10/s; 1000/h", are decided in one step, all or nothing
            algorithm: "gcra" (the default), "fixed_window", "sliding_counter", "sliding_log" or "concurrency"
            max_wait: the longest that a hit may be booked ahead by wait, up to a day; 60 s when None
            align: when fixed windows end: "first_hit" (the default), "clock" or "calendar"
            zone_offset: minutes by which the clock of aligned windows is ahead of UTC, -1080 to 1080
            lease: how long what a concurrent limit gave is held unless renewed or released, and a reservation that
                names no other stays open, up to a day; 60 s when None
            shadow: decide and count, but never deny; a decision's reason tells what it would have been
            charge_denials: charge a denial as if it had been admitted
            block: how long a denial blocks its key from then on, up to a day
            block_max: blocks that follow each other within this time double, up to it; up to 30 days, block when
                None: they do not
            on_failure: what a hit is answered when the server cannot be asked: "raise" (the default), "deny", "allow"
                or "local"
            local_share: the part of every limit in percent, 1 to 100, that "local" admits in this client: 25 where four
                clients share the work; 100 when None
            timeout: deadline of calls that name none, up to an hour; 50 ms with on_failure, else the client's
            denial_cache: of how many keys, up to 1,048,576, this client remembers a denial, to answer the same by
                itself, at 82 bytes each; not with charge_denials
            denial_ttl: for how long at most, up to a minute; 1 s when None
            reservations: take reservations, and give those back whose lease has ended before a hit is denied
            coalesce: let hits of one key and cost that come while one of them is in flight go together, as one command;
                each gets the answer that it would have got one after another; not with shadow, charge_denials, block,
                reservations or concurrent limits
            token_lease: how many tokens of a key this client may take at once, 2 to 1,000,000, to answer hits by
                itself: in any time up to token_lease - 1 more are admitted, for each client, than the limits say
            token_ttl: for how long it keeps them at most, 10 ms to a minute; what is left then is lost; 1 s when None
            overrides: how often to look for limits of single keys (set_override), 10 ms to an hour; it takes none when
                None

        GCRA never admits more than burst + rate x time, so "1000/h" admits up to 2,000 in its first hour: the burst,
        and what came back meanwhile. A fixed window is the cheapest, and lets twice the limit pass at an edge. The
        sliding log never lets more than the limit pass in any period, and keeps every hit.
        """
        opener = limiter_opener(
            self._library,
            name,
            limits,
            algorithm=algorithm,
            max_wait=max_wait,
            align=align,
            zone_offset=zone_offset,
            lease=lease,
            shadow=shadow,
            charge_denials=charge_denials,
            block=block,
            block_max=block_max,
            on_failure=on_failure,
            local_share=local_share,
            timeout=timeout,
            denial_cache=denial_cache,
            denial_ttl=denial_ttl,
            reservations=reservations,
            coalesce=coalesce,
            token_lease=token_lease,
            token_ttl=token_ttl,
            overrides=overrides,
        )
        return self._child(limiter_kind(), opener, name, limits)

    def joint(
        self,
        limiters: Iterable[Limiter],
        *,
        on_failure: OnFailure | Literal["raise", "deny", "allow"] | None = None,
        timeout: Duration | None = None,
    ) -> Joint:
        """Makes a joint limiter: several limiters of this client in one decision, each with a key of its own, all or
        nothing. Sends nothing.

        Args:
            limiters: 1 to 8 of them, in the order in which hits name their keys; with 32 limits together at most
            on_failure: what a hit is answered when the server cannot be asked, for all limiters alike: "raise" (the
                default), "deny" or "allow"
            timeout: deadline of calls that name none; 50 ms with on_failure, else the client's

        Limiters with block, charge_denials or reservations decide alone only; make others of the same name and limits,
        which share their states. Failure policies and timeouts of the limiters do not count here.
        """
        made = members(limiters)
        handles = [limiter._handle for limiter in made]
        opener = joint_opener(self._library, handles, on_failure=on_failure, timeout=timeout)
        names = " + ".join(limiter.name for limiter in made)
        joint = self._child(joint_kind(made), opener, names)
        joint.limiters = made
        return joint

    def quota(
        self,
        name: Key,
        limit: int,
        *,
        period: Period | PeriodName | None = None,
        zone_minutes: int | None = None,
    ) -> Quota:
        """Makes a quota of a calendar period. Sends nothing. All quotas of one name and period share their state.

        Args:
            name: the quota's name
            limit: the most that a key may use in a period
            period: "day" (the default), "week", "month" or "year"
            zone_minutes: how many minutes the zone in which days begin is ahead of UTC; UTC when None

        The offset is fixed: a zone with summer time has two.
        """
        return self._child(
            Quota, quota_opener(self._library, name, limit, period=period, zone_minutes=zone_minutes), name
        )

    def counter(
        self,
        name: Key,
        *,
        min: int | None = None,
        max: int | None = None,
        on_bound: OnBound | OnBoundName | None = None,
        ttl: Duration | None = None,
        expiry: Expiry | ExpiryName | None = None,
        zone_minutes: int | None = None,
        window: Duration | None = None,
        buckets: int | None = None,
        shards: int | None = None,
        remember: Duration | None = None,
        remember_max: int | None = None,
    ) -> Counter:
        """Makes a counter. Sends nothing. All counters of one name and kind share their counts.

        Args:
            name: the counter's name
            min: the least value
            max: the greatest value; 0 must lie within, for there a count begins
            on_bound: what becomes of an add that would pass a bound: "reject" (the default) or "saturate"
            ttl: how long a count lasts; for ever when None
            expiry: when it ends: ttl after it began with "on_create" (the default), after its last add with "sliding",
                or with its "day", "week", "month" or "year"
            zone_minutes: how many minutes the zone in which days begin is ahead of UTC; UTC when None
            window: makes it count what was added in the last so many seconds
            buckets: how many buckets a window has; 60 when None
            shards: spreads each count over so many keys
            remember: how long an operation id is remembered at least; a day when None
            remember_max: how many ids a key remembers from such a time; 10,000 when None

        A count is exact and permanent unless the options say otherwise.
        """
        bounds = Bounds((Bounds.NONE if min is None else Bounds.MIN) | (Bounds.NONE if max is None else Bounds.MAX))
        opener = counter_opener(
            self._library,
            name,
            bounds=bounds,
            on_bound=on_bound,
            min=min,
            max=max,
            expiry=expiry,
            zone_minutes=zone_minutes,
            ttl=ttl,
            window=window,
            buckets=buckets,
            shards=shards,
            remember=remember,
            remember_max=remember_max,
        )
        return self._child(Counter, opener, name)

    def unique(
        self,
        name: Key,
        *,
        exact_until: int | None = None,
        ttl: Duration | None = None,
        sliding: bool = False,
    ) -> Unique:
        """Makes a counter of different members. Sends nothing. All of one name share their state.

        Args:
            name: the counter's name
            exact_until: up to how many members a key is counted exactly, at most 10,000; 256 when None
            ttl: how long a key counts before it begins from nothing; for ever when None
            sliding: whether ttl counts from the last add; else from the first

        Beyond exact_until a key takes 12 KB at most, and its count has a standard error of 0.81 %.
        """
        opener = unique_opener(self._library, name, exact_until=exact_until, ttl=ttl, sliding=sliding)
        return self._child(Unique, opener, name)

    def top(
        self,
        name: Key,
        *,
        keep: int | None = None,
        ttl: Duration | None = None,
        sliding: bool = False,
    ) -> Top:
        """Makes a top: scores of members, and who has the most. Sends nothing. All of one name share their state.

        Args:
            name: the top's name
            keep: how many members a key keeps, 10 to 100,000; 1,000 when None
            ttl: how long a key lasts before it begins from nothing; for ever when None
            sliding: whether ttl counts from the last add; else from the first

        Beyond keep an add drops the last of the others, and with it its score.
        """
        opener = top_opener(self._library, name, keep=keep, ttl=ttl, sliding=sliding)
        return self._child(Top, opener, name)

    def batch(self) -> Batch:
        """Several operations in one write, answered together: `async with client.batch() as batch`."""
        return Batch(self)

    async def close(self, *, timeout: Duration | None = None) -> None:
        """Ends what is in flight with Closed, and closes all links. Closing again does nothing.

        Args:
            timeout: how long to wait until the calls of other threads have returned
        """
        self._close(to_timeout(timeout))

    async def __aenter__(self) -> Client:
        try:
            await self.ping()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()


def connect(
    url: str | None = None,
    *,
    client_name: str | None = None,
    prefix: str | None = None,
    timeout: Duration | None = None,
    connect_timeout: Duration | None = None,
    max_in_flight: int | None = None,
    server_path: str | None = None,
    threads: int | None = None,
    ca_file: str | None = None,
    cert_file: str | None = None,
    key_file: str | None = None,
    server_name: str | None = None,
    verify: str | None = None,
) -> Client:
    """Makes a client. Sends nothing: the first call connects, and fails by its deadline if it cannot.

    Args:
        url: redis:// or valkey://, by TLS rediss:// or valkeys://, unix://, or "embedded://" for a private server,
            which starts here; when None, KEYWRIGHT_URL, else redis://localhost:6379
        client_name: shown by CLIENT LIST; "keywright" when None
        prefix: the first part of every key; "kw" when None
        timeout: deadline of calls that give none; 5 s when None
        connect_timeout: budget for connecting and shaking hands; 5 s when None
        max_in_flight: calls in flight on one link before Overloaded; 16,384 when None
        server_path: the server program for embedded://
        threads: 0 for no native thread: what goes on in the background is then driven by calls that wait and by event
            loops; when None or 1 the first need starts one
        ca_file: with TLS, the CA certificates to trust, a file or a directory; the system's when None
        cert_file: with TLS, the client's certificate
        key_file: its key; looked for in cert_file when None
        server_name: what the server's certificate must be for; the URL's host when None
        verify: "full" when None; "chain" does not look at the name, "none" at nothing, which is insecure

    What the URL's query says of these comes first.
    """
    handle = open_client(
        url,
        client_name=client_name,
        prefix=prefix,
        timeout=timeout,
        connect_timeout=connect_timeout,
        max_in_flight=max_in_flight,
        server_path=server_path,
        threads=threads,
        ca_file=ca_file,
        cert_file=cert_file,
        key_file=key_file,
        server_name=server_name,
        verify=verify,
    )
    return Client._root(handle)
