#!/usr/bin/env python3
"""Prints numbered lines at a steady pace: `line 0000000001`, `line 0000000002`, …

For replay tests: a missing or doubled line shows at a glance. `--rate` lines a second (0: as fast as
the reader takes them), `--count` lines in all (0: for ever), `--width` pads lines for floods.
"""
import argparse
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("--rate", type=float, default=20)
parser.add_argument("--count", type=int, default=0)
parser.add_argument("--width", type=int, default=0)
options = parser.parse_args()

number, started = 0, time.monotonic()
try:
    while not options.count or number < options.count:
        number += 1
        sys.stdout.write(f"line {number:010d}".ljust(options.width, ".") + "\n")
        if options.rate:
            sys.stdout.flush()
            # Against the start, so that the pace holds over hours.
            time.sleep(max(0.0, started + number / options.rate - time.monotonic()))
    sys.stdout.flush()
except (BrokenPipeError, KeyboardInterrupt):
    sys.exit(130)
