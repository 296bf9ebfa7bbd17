#!/usr/bin/env python3
"""Fills a folder's file system with bytes, or with `--inodes` by empty files, until it is refused:

    {"check": "diskfill", "kind": "bytes", "count": 268435456, "error": "ENOSPC"}

Cleans up unless `--keep` is given. `--most` is where it stops when no limit comes (bytes or files).
"""
import argparse
import errno
import json
import os
import shutil
import tempfile

CHUNK = b"\x5a" * 1024 * 1024

parser = argparse.ArgumentParser()
parser.add_argument("folder", nargs="?", default="/workspace")
parser.add_argument("--inodes", action="store_true")
parser.add_argument("--keep", action="store_true")
parser.add_argument("--most", type=int, default=None)
options = parser.parse_args()
most = options.most or (2_000_000 if options.inodes else 64 << 30)

count, error, scratch = 0, None, None
try:
    scratch = tempfile.mkdtemp(prefix="diskfill-", dir=options.folder)
    if options.inodes:
        while count < most:
            os.close(os.open(os.path.join(scratch, str(count)), os.O_CREAT | os.O_WRONLY, 0o600))
            count += 1
    else:
        file = os.open(os.path.join(scratch, "fill"), os.O_CREAT | os.O_WRONLY, 0o600)
        try:
            while count < most:
                count += os.write(file, CHUNK)
        finally:
            os.close(file)
except OSError as refusal:
    error = errno.errorcode[refusal.errno]
finally:
    if scratch and not options.keep:
        shutil.rmtree(scratch)
kind = "inodes" if options.inodes else "bytes"
print(json.dumps({"check": "diskfill", "kind": kind, "count": count, "error": error}), flush=True)
