#!/usr/bin/env python3
"""Answers polyscaler's policy `external` with what learn.py learned.

    python3 serve.py --model model.json --address 127.0.0.1:50051

Needs what requirements.txt names.
"""

import argparse
import json
import pathlib
import signal
import sys
import threading
from concurrent import futures

import grpc

from bandit import Bandit, Follower, counts

# The interface is read as it stands in the repository, so there is no generated code to keep up with it.
PROTO_ROOT = pathlib.Path(__file__).resolve().parent / "../../proto"
PROTO = "polyscaler/policy/v1/policy.proto"

# Groups whose last loads are remembered; whoever can reach this service can name as many as they like.
MOST_GROUPS = 1000


def observation_of(request):
    """A question as the dictionary that bandit.py knows: what is not set is None."""
    def known(message, field):
        return getattr(message, field) if message.HasField(field) else None

    members = [
        {
            "name": member.name,
            "min": member.min,
            "max": member.max,
            "replicas": known(member, "replicas"),
            "ready": known(member, "ready"),
            "capacity": known(member, "capacity"),
            "demand": known(member, "demand"),
        }
        for member in request.members
    ]
    return {"members": members}


class Adviser:
    """Answers questions of any number of groups."""

    def __init__(self, bandit, protos):
        self.bandit = bandit
        self.protos = protos
        self.followers = {}
        self.lock = threading.Lock()

    def decide(self, request, context):
        """The counts for one question; a status other than OK where nothing can be said."""
        observation = observation_of(request)
        name = (request.object.kind, request.object.namespace, request.object.name)
        with self.lock:
            if name not in self.followers and len(self.followers) >= MOST_GROUPS:
                self.followers.pop(next(iter(self.followers)))
            seen = self.followers.setdefault(name, Follower()).context(observation)
        if seen is None:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "no member has a known demand and a capacity")
        arm = self.bandit.best(seen)
        recommendations = [
            self.protos.Recommendation(member=member, replicas=replicas)
            for member, replicas in counts(observation, arm).items()
            if replicas is not None
        ]
        return self.protos.DecideResponse(recommendations=recommendations, reason=f"headroom {arm:.2f} for load {seen}")


def read_model(path):
    try:
        with open(path, encoding="utf-8") as file:
            return Bandit.from_json(json.load(file))
    except OSError as error:
        sys.exit(f"{path}: {error.strerror}; learn.py writes one")
    except (ValueError, KeyError, TypeError) as error:
        sys.exit(f"{path}: {error}")


def main():
    parser = argparse.ArgumentParser(description="Answers polyscaler's policy external.")
    parser.add_argument("--model", metavar="FILE", default="model.json", help="what learn.py wrote")
    parser.add_argument("--address", metavar="HOST:PORT", default="127.0.0.1:50051", help="where to listen")
    parser.add_argument("--proto", metavar="FOLDER", default=str(PROTO_ROOT), help="where polyscaler/policy/v1 is")
    arguments = parser.parse_args()
    bandit = read_model(arguments.model)

    sys.path.insert(0, arguments.proto)
    protos, services = grpc.protos_and_services(PROTO)
    adviser = Adviser(bandit, protos)

    class Policy(services.PolicyServicer):
        def Decide(self, request, context):
            return adviser.decide(request, context)

    # Two servers at one port would take turns, with two models.
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4), options=[("grpc.so_reuseport", 0)])
    services.add_PolicyServicer_to_server(Policy(), server)
    try:
        port = server.add_insecure_port(arguments.address)
    except RuntimeError as error:
        sys.exit(f"{arguments.address}: cannot listen there: {error}")
    server.start()
    host = arguments.address.rpartition(":")[0]
    print(f"listening on {host}:{port}", flush=True)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop(grace=1))
    server.wait_for_termination()
    print("stopped")


if __name__ == "__main__":
    main()
