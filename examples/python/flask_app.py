"""Flask: all requests limited by address, by a middleware; a view limited by user, by the decorator.

flask --app flask_app run
"""

from flask import Flask, request

import keywright
from keywright.wsgi import RateLimitMiddleware, client_address

client = keywright.connect()  # KEYWRIGHT_URL, else redis://localhost:6379

app = Flask(__name__)
app.wsgi_app = RateLimitMiddleware(app.wsgi_app, client.limiter("address", "100/m"), key=client_address)
search_limiter = client.limiter("search", "2/m")


@app.get("/")
def index():
    return "hello\n"


@app.get("/search")
@search_limiter.limit(key=lambda: request.headers.get("X-User", "anonymous"))
def search():
    return "found\n"


@app.errorhandler(keywright.Denied)
def denied(error):
    return "slow down\n", 429, error.decision.headers()
