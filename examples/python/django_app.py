"""Django in one file: all requests limited by address, by a middleware of Django's; a view limited by user, by a guard.

gunicorn django_app:application
"""

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path

import keywright

settings.configure(
    ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="for the example", MIDDLEWARE=[f"{__name__}.limit_addresses"]
)
django.setup()

client = keywright.connect()  # KEYWRIGHT_URL, else redis://localhost:6379
address_limiter = client.limiter("address", "100/m")
search_limiter = client.limiter("search", "2/m")


def limit_addresses(get_response):
    """Knows Django's requests; keywright.wsgi.RateLimitMiddleware around the application knows only the environ."""

    def middleware(request):
        decision = address_limiter.hit(request.META["REMOTE_ADDR"])
        response = get_response(request) if decision else HttpResponse("slow down\n", status=429)
        for name, value in decision.headers().items():
            response.headers.setdefault(name, value)  # a view that told its own is the narrower one
        return response

    return middleware


def index(request):
    return HttpResponse("hello\n")


def search(request):
    try:
        with search_limiter.guard(request.headers.get("X-User", "anonymous")) as decision:
            return HttpResponse("found\n", headers=decision.headers())
    except keywright.Denied as error:
        return HttpResponse("slow down\n", status=429, headers=error.decision.headers())


urlpatterns = [path("", index), path("search", search)]
application = get_wsgi_application()
