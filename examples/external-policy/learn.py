#!/usr/bin/env python3
"""Learns how much headroom pays: from recorded load by a simulation, or from episodes that polyscaler recorded.

    python3 learn.py --load load.csv --model model.json
    python3 learn.py --episodes episodes.jsonl --model model.json

With both, the simulation comes first and the episodes refine it. Needs nothing but Python.
"""

import argparse
import csv
import json
import math
import sys

from bandit import ARMS, Bandit, Follower, counts
from world import Group, World, needs, reward

# An episode teaches nothing of an arm that would have asked for other counts by more than this share of the pods.
FARTHEST = 0.25


def read_load(path):
    """The values of a recorded load: CSV with a column `value`, or one number a line."""
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
        rows = [row for row in csv.reader(file) if row and not row[0].startswith("#")]
    column = 0
    if rows and "value" in rows[0]:
        column = rows.pop(0).index("value")
    try:
        values = [float(row[column]) for row in rows]
    except (ValueError, IndexError):
        sys.exit(f"{path}: expected a column `value`, or one number a line")
    for number, value in enumerate(values, 1):
        # A metric without data is often exported as NaN.
        if not 0 <= value < math.inf:
            sys.exit(f"{path}: value {number} is {value}; leave such rows out, load is a number from 0")
    if len(values) < 20 or max(values) <= 0:
        sys.exit(f"{path}: expected at least 20 values, and some above 0")
    return values


def read_group(path):
    """The group to simulate."""
    try:
        group = Group.read(path)
        group.most()
    except (ValueError, KeyError, TypeError, ZeroDivisionError) as error:
        sys.exit(f"{path}: no group as in group.json ({error!r})")
    return group


def replay(group, load, delay, choose, learn=None):
    """Goes through `load` with the arm that `choose` takes in each context; sums of what it came to.

    While it learns, an arm is kept for as long as its pods take to start, and as long again to be judged: what it
    brings could not be told from what the arms before and after it brought.
    """
    world, follower = World(group, delay), Follower()
    arm, context, kept, earned = None, None, 0, 0.0
    figures = {"reward": 0.0, "short": 0, "pods": 0, "steps": len(load)}
    for value in load:
        seen = world.observe(value)
        now = reward(seen)
        figures["reward"] += now
        needed = needs(seen)
        figures["short"] += any(member["ready"] < needed[member["name"]] for member in seen["members"])
        figures["pods"] += sum(member["replicas"] for member in seen["members"])
        latest = follower.context(seen)
        kept += 1
        if kept > delay:
            earned += now / delay
        if not learn or arm is None:
            arm, context = choose(latest), latest
        elif kept >= 2 * delay:
            learn(context, arm, earned)
            arm, context, kept, earned = choose(latest), latest, 0, 0.0
        world.act(counts(seen, arm))
    return figures


def learn_load(bandit, group, load, arguments):
    """Learns on the first part of a load, and prints what the arms come to on the rest."""
    delay = max(1, -(-arguments.ready_delay // arguments.step))
    # In the unit of the group: its peak takes three quarters of what the group can bear.
    scale = 0.75 * group.most() / max(load)
    load = [value * scale for value in load]
    cut = int(len(load) * arguments.train)
    for turn in range(arguments.passes):
        epsilon = 0.5 * (1 - turn / arguments.passes)
        replay(group, load[:cut], delay, lambda context: bandit.explore(context, epsilon), bandit.learn)

    def row(name, choose):
        found = replay(group, load[cut:], delay, choose)
        steps = found["steps"]
        hours = found["pods"] * arguments.step / 3600
        print(f"{name:<22}{found['reward'] / steps:>10.4f}{100 * found['short'] / steps:>11.1f} %{hours:>11.1f}")
        return found["reward"] / steps

    print(f"{cut} steps of {arguments.step} s to learn on, {len(load) - cut} to judge on, pods ready after {delay} steps")
    print(f"{'policy':<22}{'reward':>10}{'short of':>13}{'pod-hours':>11}")
    fixed = {arm: row(f"fixed headroom {arm:.2f}", lambda _, arm=arm: arm) for arm in ARMS}
    learned = row("bandit", bandit.best)
    best = max(fixed, key=fixed.get)
    print(f"bandit against no headroom: {learned - fixed[1.0]:+.4f}; against the best fixed, {best:.2f}: {learned - fixed[best]:+.4f}")


def arm_of(observation, action):
    """The arm that would have asked for the counts nearest to these; None where none comes near."""

    def distance(arm):
        wanted = counts(observation, arm)
        known = [name for name, replicas in wanted.items() if replicas is not None and name in action]
        return sum(abs(wanted[name] - action[name]) for name in known) if known else None

    distances = {arm: distance(arm) for arm in ARMS}
    if None in distances.values():
        return None
    nearest = min(ARMS, key=lambda arm: distances[arm])
    pods = sum(action.values())
    return nearest if distances[nearest] <= FARTHEST * max(pods, 1) else None


def read_episodes(path):
    """The episodes of a file, each group's in order. A last line that is still being written is left out."""
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = file.read().split("\n")[:-1]
    for number, line in enumerate(lines, 1):
        try:
            episode = json.loads(line)
            yield episode["object"], episode["observation"], episode["action"], episode["reward"], episode["applied"]
        except (ValueError, KeyError, TypeError) as error:
            sys.exit(f"{path}, line {number}: no episode ({error})")


def learn_episodes(bandit, path, horizon):
    """Learns from what polyscaler recorded. The reward of a decision is that of `horizon` episodes later."""
    followers, waiting, seen, used = {}, {}, 0, 0
    for name, observation, action, earned, applied in read_episodes(path):
        seen += 1
        queue = waiting.setdefault(name, [])
        context = followers.setdefault(name, Follower()).context(observation)
        queue.append((context, arm_of(observation, action) if applied else None))
        if len(queue) < horizon:
            continue
        context, arm = queue.pop(0)
        if context is not None and arm is not None and earned is not None:
            bandit.learn(context, arm, earned)
            used += 1
    print(f"{path}: learned from {used} of {seen} episodes")
    return used


def main():
    parser = argparse.ArgumentParser(description="Learns how much headroom pays.")
    parser.add_argument("--load", metavar="FILE", help="recorded load: CSV with timestamp,value, or one value a line")
    parser.add_argument("--episodes", metavar="FILE", help="what --episodes-file of polyscaler wrote")
    parser.add_argument("--group", metavar="FILE", default="group.json", help="the group to simulate")
    parser.add_argument("--model", metavar="FILE", default="model.json", help="where the model goes")
    parser.add_argument("--step", type=int, default=15, metavar="SECONDS", help="time between two values, and two decisions")
    parser.add_argument("--ready-delay", type=int, default=30, metavar="SECONDS", help="until a new pod is ready")
    parser.add_argument("--horizon", type=int, default=1, metavar="COUNT", help="episodes until a decision shows")
    parser.add_argument("--passes", type=int, default=10, metavar="COUNT", help="how often the load is gone through")
    parser.add_argument("--train", type=float, default=0.7, metavar="SHARE", help="how much of the load is learned on")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same model")
    arguments = parser.parse_args()
    if not arguments.load and not arguments.episodes:
        parser.error("give --load, --episodes or both")
    if not 0.1 <= arguments.train <= 0.9:
        parser.error("--train is a share from 0.1 to 0.9")
    if min(arguments.step, arguments.passes, arguments.horizon) < 1 or arguments.ready_delay < 0:
        parser.error("--step, --passes and --horizon are at least 1, --ready-delay is not negative")
    bandit = Bandit(arguments.seed)
    try:
        if arguments.load:
            learn_load(bandit, read_group(arguments.group), read_load(arguments.load), arguments)
        if arguments.episodes:
            learn_episodes(bandit, arguments.episodes, arguments.horizon)
        if not bandit.means:
            sys.exit("nothing was learned, so no model is written")
        with open(arguments.model, "w", encoding="utf-8") as file:
            json.dump(bandit.to_json(), file, indent=1)
            file.write("\n")
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}")
    print(f"{arguments.model}: {sum(len(arms) for arms in bandit.means.values())} figures for {len(bandit.means)} contexts")


if __name__ == "__main__":
    main()
