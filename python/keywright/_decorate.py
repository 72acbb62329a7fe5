"""Limiting a function: `@limiter.limit(key=...)`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from ._decision import denied
from ._held import async_held, concurrent, held

if TYPE_CHECKING:
    from ._aio.limiter import Limiter as AsyncLimiter
    from ._convert import Duration, Key
    from ._sync.limiter import Limiter

P = ParamSpec("P")
R = TypeVar("R")


def limited(
    limiter: Limiter | AsyncLimiter,
    key: Key | Callable[..., Key],
    cost: int | Callable[..., int],
    wait: Duration | None,
    timeout: Duration | None,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """The decorator. An async function is limited without blocking its loop, also by a limiter of a blocking client."""

    def of(value: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return value(*args, **kwargs) if callable(value) else value

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        if isasyncgenfunction(function):
            raise TypeError("an async generator cannot be limited: use guard() where it begins")
        if isgeneratorfunction(function) and concurrent(limiter._handle.about) is not None:
            raise TypeError("a generator runs when its call is over, and holds no permit then: use guard() within it")
        if iscoroutinefunction(function):
            asynchronous = cast("AsyncLimiter", limiter._asynchronous())

            @wraps(function)
            async def awaited(*args: P.args, **kwargs: P.kwargs) -> Any:
                decision = await asynchronous.hit(
                    of(key, args, kwargs), of(cost, args, kwargs), wait=wait, timeout=timeout
                )
                if not decision:
                    raise denied(decision)
                if decision.lease:
                    async with async_held(asynchronous, decision, timeout):
                        return await function(*args, **kwargs)
                return await function(*args, **kwargs)

            return cast("Callable[P, R]", awaited)
        blocking = cast("Limiter", limiter._blocking())

        @wraps(function)
        def called(*args: P.args, **kwargs: P.kwargs) -> R:
            decision = blocking.hit(of(key, args, kwargs), of(cost, args, kwargs), wait=wait, timeout=timeout)
            if not decision:
                raise denied(decision)
            if decision.lease:
                with held(blocking, decision, timeout):
                    return function(*args, **kwargs)
            return function(*args, **kwargs)

        return called

    return decorate
