#!/usr/bin/env python3
"""A child eats memory until it is killed; its parent lives to tell:

    {"check": "memorybomb", "reached_mib": 487, "signal": 9}

`--alone` eats in this very process (nobody is left to tell), `--most N` stops at N MiB.
"""
import argparse
import json
import os
import struct

MIB = 1024 * 1024


def eat(most, tell):
    """Takes one MiB after the other, touching every page, and tells how many it has."""
    held = []
    while len(held) < most:
        held.append(b"\x01" * MIB)
        tell(len(held))


parser = argparse.ArgumentParser()
parser.add_argument("--alone", action="store_true")
parser.add_argument("--most", type=int, default=64 * 1024, help="MiB")
options = parser.parse_args()

if options.alone:
    eat(options.most, lambda reached: reached % 16 or print(f"{reached} MiB", flush=True))
else:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        eat(options.most, lambda reached: os.write(writer, struct.pack("<I", reached)))
        os._exit(0)
    os.close(writer)
    reached = 0
    while data := os.read(reader, 4):
        reached = struct.unpack("<I", data)[0]
    _, status = os.waitpid(child, 0)
    killed_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
    print(json.dumps({"check": "memorybomb", "reached_mib": reached, "signal": killed_by}), flush=True)
