#!/usr/bin/env python3
"""Writes load.csv: a made-up load in requests a second, a value each 15 s for ten hours; the same numbers each time.

Waves of half an hour, now and then a sale that fills up within two minutes and fades, and noise.
"""

import math
import random

STEPS, WAVE = 2400, 120


def main():
    chance = random.Random(7)
    coming, here = 0.0, 0.0
    with open("load.csv", "w", encoding="utf-8") as file:
        file.write("timestamp,value\n")
        for step in range(STEPS):
            wave = (1 - math.cos(2 * math.pi * step / WAVE)) / 2
            if chance.random() < 0.01:
                coming += chance.uniform(200, 500)
            moved = 0.2 * coming
            coming, here = coming - moved, 0.95 * here + moved
            value = (80 + 500 * wave**2 + here) * chance.uniform(0.98, 1.02)
            file.write(f"{step * 15},{value:.0f}\n")


if __name__ == "__main__":
    main()
