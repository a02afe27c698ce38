#!/usr/bin/env python3
"""Writes load.csv: five made-up days of requests a second, a value each 15 s of a day that lasts two hours.

A sine for the day, sales that come all at once and fade, and noise; the same numbers each time.
"""

import math
import random

DAYS, STEPS = 5, 480


def main():
    chance = random.Random(7)
    sale = 0.0
    with open("load.csv", "w", encoding="utf-8") as file:
        file.write("timestamp,value\n")
        for step in range(DAYS * STEPS):
            day = 1 - math.cos(2 * math.pi * step / STEPS)
            if chance.random() < 0.012:
                sale += chance.uniform(0.4, 1.2)
            sale *= 0.94
            value = (120 + 260 * day + 420 * sale) * chance.uniform(0.97, 1.03)
            file.write(f"{step * 15},{value:.0f}\n")


if __name__ == "__main__":
    main()
