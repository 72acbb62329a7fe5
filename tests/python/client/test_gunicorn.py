"""gunicorn itself: the application, its client and its limiter are loaded in the master, and used in the workers."""

import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pytest

pytest.importorskip("gunicorn", reason="gunicorn is not for this system")

APPLICATION = """
import os
import time
import keywright

client = keywright.connect(os.environ["KEYWRIGHT_URL"])
api = client.limiter("api", "10000/year", algorithm="fixed_window")
guard = api.limit(key="guarded")
api.hit("k")  # the master has a link of its own before it forks


@guard
def guarded():
    return api.hit("k").remaining


def application(environ, start_response):
    time.sleep(0.005)  # so that one worker cannot take them all
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{os.getpid()} {guarded()}".encode()]
"""


class Site:
    """A running gunicorn with its workers."""

    def __init__(self, folder, url, *arguments):
        (folder / "shop.py").write_text(APPLICATION, encoding="utf-8")
        self.path = f"/tmp/kw-gunicorn-{os.getpid()}-{time.monotonic_ns()}"
        self.log = folder / "log"
        words = [
            "--workers",
            "3",
            "--bind",
            f"unix:{self.path}",
            "--log-file",
            str(self.log),
            "--graceful-timeout",
            "2",
        ]
        # From 3.12 on Python warns of every fork of a process that has threads.
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-W",
                "ignore::DeprecationWarning",
                "-m",
                "gunicorn",
                *words,
                *arguments,
                "shop:application",
            ],
            cwd=folder,
            env=os.environ | {"KEYWRIGHT_URL": url, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])},
            stdout=subprocess.DEVNULL,
            stderr=(folder / "errors").open("w"),
            start_new_session=True,
        )
        self.errors = folder / "errors"

    def ask(self, _=None):
        """One request: which worker answered, and what was left."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(self.path)
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            answer = b"".join(iter(lambda: connection.recv(4096), b""))
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.0 200 "), answer + self.log.read_bytes()
        pid, remaining = map(int, body.split())
        return pid, remaining

    def wait(self):
        end = time.monotonic() + 20
        while True:
            try:
                return self.ask()
            except OSError:
                assert self.process.poll() is None and time.monotonic() < end, self.log.read_text(encoding="utf-8")
                time.sleep(0.05)

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        return self.process.wait(timeout=20)


@contextmanager
def gunicorn(folder, url, *arguments):
    site = Site(folder, url, *arguments)
    try:
        yield site
    finally:
        with suppress(ProcessLookupError):
            os.killpg(site.process.pid, signal.SIGKILL)
        site.process.wait()


def left(client):
    return client.limiter("api", "10000/year", algorithm="fixed_window").peek("k").remaining


def ask_at_once(site, count):
    """Requests by eight at a time; the workers that answered, and what they were told, in order."""
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(site.ask, range(count)))
    return {pid for pid, _ in told}, sorted((remaining for _, remaining in told), reverse=True)


# What gunicorn is told, and how many hits its processes begin with.
KINDS = {
    "preload": (["--preload"], 1),
    "preload and threads": (["--preload", "--worker-class", "gthread", "--threads", "4"], 1),
    "each loads its own": ([], 3),
    "workers that are exchanged": (["--preload", "--max-requests", "7"], 1),
}


@pytest.mark.parametrize("kind", KINDS)
def test_workers_share_a_limit(server, client, tmp_path, kind):
    """Each request is counted once, whichever worker takes it; nobody reads another's answer."""
    words, begun = KINDS[kind]
    with gunicorn(tmp_path, server.url, *words) as site:
        site.wait()
        before = 10_000 - begun - 1
        end = time.monotonic() + 20
        while left(client) > before:
            assert time.monotonic() < end
            time.sleep(0.02)
        pids, told = ask_at_once(site, 120)
        assert told == list(range(before - 1, before - 121, -1))
        assert len(pids) > 1
        assert site.process.pid not in pids
        assert site.stop() == 0
        assert "Traceback" not in site.log.read_text(encoding="utf-8")
        assert site.errors.read_text(encoding="utf-8") == ""


def test_a_worker_that_is_killed_is_replaced(server, tmp_path):
    with gunicorn(tmp_path, server.url, "--preload", "--workers", "1") as site:
        first, remaining = site.wait()
        os.kill(first, signal.SIGKILL)
        second, after = site.wait()
        assert second != first
        assert after == remaining - 1


def test_a_reload_under_way(server, client, tmp_path):
    with gunicorn(tmp_path, server.url, "--workers", "2") as site:
        site.wait()
        before, _ = ask_at_once(site, 20)
        site.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + 20
        while site.ask()[0] in before:
            assert time.monotonic() < end
        rest = left(client)
        _, told = ask_at_once(site, 20)
        assert len(set(told)) == 20  # among them lie the hits with which the new workers began
        assert rest > told[0] and told[-1] >= left(client)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_the_end_never_hangs(server, tmp_path, how):
    with gunicorn(tmp_path, server.url, "--preload", "--worker-class", "gthread", "--threads", "4") as site:
        site.wait()
        with server.silent(), ThreadPoolExecutor(4) as pool:
            waiting = [pool.submit(site.ask) for _ in range(4)]
            time.sleep(0.3)
            begun = time.monotonic()
            code = site.stop(how)
            took = time.monotonic() - begun
            for each in waiting:
                each.exception(timeout=20)  # cut off, or told by the application that there was no answer
        assert code == 0
        assert took < 6
