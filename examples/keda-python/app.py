"""A small web application that counts its requests for Prometheus.

It listens on port 5000 (PORT):

    /         answers "Hello World!", after up to WORK_SECONDS seconds of work
    /metrics  what Prometheus scrapes
    /healthz  for probes

python_request_operations_total counts the requests to /, python_request_duration_seconds is a histogram of
how long they took.
"""

import os
import random
import signal
import threading
import time

from flask import Flask, Response
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest
from werkzeug.serving import make_server

WORK_SECONDS = float(os.environ.get("WORK_SECONDS", "0"))

# Together with the five seconds of preStop less than the grace period of a pod.
LAST_SECONDS = 15

# The client library appends _total.
OPERATIONS = Counter("python_request_operations", "The total number of processed requests")
DURATION = Histogram(
    "python_request_duration_seconds", "Histogram for the duration in seconds.", buckets=(1, 2, 5, 6, 10)
)

app = Flask(__name__)


@app.route("/")
def hello():
    with DURATION.time():
        time.sleep(random.uniform(0, WORK_SECONDS))
        OPERATIONS.inc()
        return "Hello World!\n"


@app.route("/metrics")
def metrics():
    return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)


@app.route("/healthz")
def healthz():
    return "ok\n"


def main():
    host, port = os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "5000"))
    server = make_server(host, port, app, threaded=True)
    # On SIGTERM, requests that are being answered get their answers: server_close waits for them.
    server.daemon_threads = False
    ends = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ends.set())
    server.timeout = 1
    while not ends.is_set():
        server.handle_request()
    answer_the_last(server)
    server.server_close()


def answer_the_last(server):
    """Answers whoever still comes, until for a second nobody has, or for LAST_SECONDS.

    A node that is busy hears late that the pod ends, and a connection that waits to be accepted would be reset.
    Hence not serve_forever and shutdown: they close the socket.
    """
    nobody = threading.Event()
    server.handle_timeout = nobody.set
    end = time.monotonic() + LAST_SECONDS
    while not nobody.is_set() and time.monotonic() < end:
        server.handle_request()


if __name__ == "__main__":
    main()
