#!/usr/bin/env python3
"""Forks until the kernel refuses, says how far it came, and cleans up.

    {"check": "forkbomb", "children": 253, "error": "EAGAIN"}

`--wild` is the real thing: every child forks too, and nobody ever stops. The sandbox's process limit
must hold it, and the neighbours must not notice. `--most N` stops after N children where no limit came.
"""
import argparse
import errno
import json
import os
import signal

parser = argparse.ArgumentParser()
parser.add_argument("--wild", action="store_true", help="never stop")
parser.add_argument("--most", type=int, default=20_000, help="children without --wild")
options = parser.parse_args()

if options.wild:
    print("running wild", flush=True)
    while True:
        try:
            os.fork()
        except OSError:
            pass

children, error = [], None
try:
    while len(children) < options.most:
        child = os.fork()
        if child == 0:
            signal.pause()
        children.append(child)
except OSError as refusal:
    error = errno.errorcode[refusal.errno]
for child in children:
    os.kill(child, signal.SIGKILL)
for child in children:
    os.waitpid(child, 0)
print(json.dumps({"check": "forkbomb", "children": len(children), "error": error}), flush=True)
