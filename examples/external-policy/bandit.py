"""A contextual bandit over headroom factors: the whole of what is learned.

The context is how high the load is and where it is heading; an arm is a factor by which every member gets more
replicas than its demand needs. For each context the mean reward of each arm is kept, as recent rewards
count for more (the load of last month is not that of today), and the arm with the best mean is taken.

This file knows nothing of files, of gRPC or of the simulated group. An observation is what
docs/learned-policies.md describes, as a dictionary.
"""

import math
import random

ARMS = (1.0, 1.1, 1.25, 1.5, 2.0)
LEVELS = 3
# How many totals show where the load is heading: with fewer, noise does.
TOTALS = 4

# A reward weighs at least this much in its arm's mean, so that old ones fade.
LEAST_WEIGHT = 0.002


def demand_of(member):
    """The demand of a member, where demand and capacity are known; else None."""
    demand, capacity = member.get("demand"), member.get("capacity")
    return demand if demand is not None and capacity else None


def counts(observation, factor):
    """Replicas for each member by name with `factor` times what its demand needs; None where nobody can tell."""
    wanted = {}
    for member in observation["members"]:
        demand = demand_of(member)
        if demand is None:
            wanted[member["name"]] = None
            continue
        # Rounding errors must not cost a pod.
        need = math.ceil(demand * factor / member["capacity"] - 1e-9)
        wanted[member["name"]] = min(max(need, member["min"]), member["max"])
    return wanted


def level(observation):
    """Which third of what the fullest member can bear at its maximum its demand takes; None where unknown."""
    shares = [
        demand_of(member) / (member["max"] * member["capacity"])
        for member in observation["members"]
        if demand_of(member) is not None and member["max"] > 0
    ]
    return min(int(max(shares) * LEVELS), LEVELS - 1) if shares else None


def total(observation):
    """The demands of all members together: only its change means anything."""
    known = [demand_of(member) for member in observation["members"]]
    return sum(demand for demand in known if demand is not None)


def trend(totals):
    """Where the load is heading, from the last totals: the newer half of them against the older."""
    half = len(totals) // 2
    before, now = sum(totals[:half]), sum(totals[-half:])
    if half == 0 or before <= 0:
        return "steady"
    change = now / before
    if change < 0.96:
        return "falling"
    if change <= 1.04:
        return "steady"
    return "rising" if change <= 1.15 else "surging"


class Follower:
    """Turns observations of one group, in order, into contexts."""

    def __init__(self):
        self.totals = []

    def context(self, observation):
        """The context as text, for example `2 rising`; None where no member's demand is known."""
        height = level(observation)
        if height is None:
            return None
        self.totals = [*self.totals, total(observation)][-TOTALS:]
        return f"{height} {trend(self.totals)}"


class Bandit:
    """Mean rewards by context and arm."""

    def __init__(self, seed=0):
        self.random = random.Random(seed)
        self.means = {}

    def best(self, context):
        """The arm with the best mean in this context; with nothing known of it, the best anywhere."""
        known = self.means.get(context) or self._anywhere()
        if not known:
            return 1.25
        return max(known, key=lambda arm: known[arm][0])

    def explore(self, context, epsilon):
        """The best arm, or, once in 1/`epsilon` times, any; arms that were never tried come first."""
        untried = [arm for arm in ARMS if arm not in self.means.get(context, {})]
        if untried:
            return self.random.choice(untried)
        return self.random.choice(ARMS) if self.random.random() < epsilon else self.best(context)

    def learn(self, context, arm, reward):
        """Takes in what an arm brought."""
        mean, times = self.means.setdefault(context, {}).get(arm, (0.0, 0))
        weight = max(1 / (times + 1), LEAST_WEIGHT)
        self.means[context][arm] = (mean + weight * (reward - mean), times + 1)

    def _anywhere(self):
        sums = {}
        for arms in self.means.values():
            for arm, (mean, times) in arms.items():
                reward, count = sums.get(arm, (0.0, 0))
                sums[arm] = (reward + mean * times, count + times)
        return {arm: (reward / count, count) for arm, (reward, count) in sums.items()}

    def to_json(self):
        """What a model file holds."""
        rows = [
            {"context": context, "factor": arm, "reward": round(mean, 6), "times": times}
            for context, arms in sorted(self.means.items())
            for arm, (mean, times) in sorted(arms.items())
        ]
        return {"model": "headroom bandit", "version": 1, "arms": rows}

    @classmethod
    def from_json(cls, data):
        """The bandit of a model file; ValueError where it is none."""
        if not isinstance(data, dict) or data.get("model") != "headroom bandit" or data.get("version") != 1:
            raise ValueError("this is no model of learn.py")
        bandit = cls()
        for row in data["arms"]:
            arms = bandit.means.setdefault(row["context"], {})
            arms[float(row["factor"])] = (float(row["reward"]), int(row["times"]))
        return bandit
