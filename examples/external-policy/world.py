"""A simple model of a group under load, for learning without a cluster.

Demand comes in at the members that no other calls and is carried along the call graph. Pods that are asked for
become ready after a delay; pods that are taken away are gone at once. That is all: no queues, no retries,
no failing pods. What is learned here is how much headroom a delay is worth under a load like the recorded one.
"""

import json
import math

# As polyscaler counts it: a missing share of pods is so many times as bad as the same share of idle ones.
SHORTAGE_WEIGHT = 4.0


class Group:
    """Members and who calls whom, from a file like group.json."""

    def __init__(self, members, calls):
        self.members = members
        self.calls = calls
        names = [member["name"] for member in members]
        self.order = []
        while len(self.order) < len(names):
            free = [
                name
                for name in names
                if name not in self.order
                and all(call["from"] in self.order for call in calls if call["to"] == name)
            ]
            if not free:
                raise ValueError("the call graph has a cycle, or names a member that is none")
            self.order += free

    @classmethod
    def read(cls, path):
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
        return cls(data["members"], data.get("callGraph", []))

    def demands(self, load):
        """The demand of each member by name where `load` comes in at the entries."""
        demands = {}
        for name in self.order:
            callers = [call for call in self.calls if call["to"] == name]
            carried = sum(demands[call["from"]] * call.get("callsPerCall", 1) for call in callers)
            demands[name] = carried if callers else load
        return demands

    def most(self):
        """The greatest load at the entries that all members can bear at their maxima."""
        demands = self.demands(1.0)
        return min(
            member["max"] * member["capacity"] / demands[member["name"]]
            for member in self.members
            if demands[member["name"]] > 0
        )


class World:
    """The group as it goes through a load, one step after another."""

    def __init__(self, group, delay_steps):
        self.group = group
        self.delay = delay_steps
        self.ready = {member["name"]: member["min"] for member in group.members}
        self.asked = dict(self.ready)
        self.starting = []

    def observe(self, load):
        """What a policy sees, in the form of docs/learned-policies.md."""
        demands = self.group.demands(load)
        members = []
        for member in self.group.members:
            name = member["name"]
            bears = self.ready[name] * member["capacity"]
            members.append(
                {
                    **member,
                    "replicas": self.asked[name],
                    "ready": self.ready[name],
                    "demand": demands[name],
                    "load": demands[name] / bears if bears else None,
                }
            )
        return {"members": members}

    def act(self, wanted):
        """Asks for the replicas of `wanted` by name, and goes on by a step."""
        for name, replicas in wanted.items():
            if replicas is None:
                continue
            more = replicas - self.asked[name]
            if more > 0:
                self.starting.append([self.delay, name, more])
            elif more < 0:
                self._remove(name, -more)
            self.asked[name] = replicas
        for pods in self.starting:
            pods[0] -= 1
        for _, name, more in [pods for pods in self.starting if pods[0] <= 0]:
            self.ready[name] += more
        self.starting = [pods for pods in self.starting if pods[0] > 0]

    def _remove(self, name, less):
        """Those that still start go first, the youngest before the others."""
        for pods in reversed(self.starting):
            if pods[1] == name and less > 0:
                gone = min(pods[2], less)
                pods[2] -= gone
                less -= gone
        self.ready[name] -= less


def needs(observation):
    """What each member needs within its bounds, by name."""
    return {
        member["name"]: min(max(math.ceil(member["demand"] / member["capacity"] - 1e-9), member["min"]), member["max"])
        for member in observation["members"]
    }


def reward(observation):
    """How good a state is, by the formula of docs/learned-policies.md: 0 where every member has what it needs, and
    no more."""
    losses = []
    needed = needs(observation)
    for member in observation["members"]:
        need, ready, replicas = needed[member["name"]], member["ready"], member["replicas"]
        shortage = max(need - ready, 0) / need if need else 0
        surplus = max(replicas - need, 0) / replicas if replicas else 0
        losses.append(SHORTAGE_WEIGHT * shortage + surplus)
    return -sum(losses) / len(losses)
