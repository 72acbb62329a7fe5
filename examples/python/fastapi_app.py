"""FastAPI: all requests limited by address, by a middleware; a route by user, by a dependency; a function by the
decorator.

    uvicorn fastapi_app:app
"""

from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse

import keywright
import keywright.aio
from keywright.asgi import RateLimitMiddleware, client_address

client = keywright.aio.connect()  # KEYWRIGHT_URL, else redis://localhost:6379


@asynccontextmanager
async def lifespan(_):
    async with client:
        yield


app = FastAPI(lifespan=lifespan)
app.add_middleware(
    RateLimitMiddleware,
    limiter=client.limiter("address", "100/m"),
    key=client_address,
    exempt=lambda scope: scope["path"] == "/healthy",
)


class RateLimited:
    """A dependency: a hit for whoever asks, 429 when it is denied."""

    def __init__(self, limiter: keywright.aio.Limiter) -> None:
        self.limiter = limiter

    async def __call__(self, request: Request, response: Response) -> keywright.aio.Decision:
        decision = await self.limiter.hit(request.headers.get("X-User", "anonymous"))
        if not decision:
            raise HTTPException(429, "slow down", headers=decision.headers())
        for name, value in decision.headers().items():
            response.headers.append(name, value)
        return decision


searching = RateLimited(client.limiter("search", "2/m"))
reports = client.limiter("reports", "1/h")


@app.get("/healthy")
async def healthy():
    return {"healthy": True}


@app.get("/search")
async def search(decision: keywright.aio.Decision = Depends(searching)):  # noqa: B008
    return {"remaining": decision.remaining}


@reports.limit(key=lambda user: user)
async def make_report(user: str):
    return f"a report for {user}"


@app.get("/report")
async def report(request: Request):
    return {"report": await make_report(request.headers["X-User"])}


@app.exception_handler(keywright.Denied)
async def denied(_: Request, error: keywright.Denied):
    return JSONResponse({"detail": "slow down"}, 429, headers=error.decision.headers())
