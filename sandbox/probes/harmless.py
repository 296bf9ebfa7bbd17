#!/usr/bin/env python3
"""What ordinary programs do and the sandbox must let them: one JSON object a line, as in isolation.py.

A filter that is too strict shows itself here before it shows itself to a user.
"""
import asyncio
import ctypes
import json
import multiprocessing
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading

failed = 0


def check(name):
    """Runs the decorated function at once and prints whether it worked and what it said."""
    def run(function):
        global failed
        try:
            ok, detail = True, function()
        except Exception as error:  # noqa: BLE001 - whatever it was is the result
            ok, detail = False, f"{type(error).__name__}: {error}"
        failed += not ok
        print(json.dumps({"check": name, "safe": ok, "detail": "" if detail is None else str(detail)}), flush=True)
        return function
    return run


def square(number):
    """Work for another process."""
    return number * number


def syscall(number, *arguments):
    """A raw system call; raises what it says."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    result = libc.syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def main():
    """Every check in turn."""
    @check("numpy")
    def _():
        import numpy
        return round(float(numpy.linalg.norm(numpy.ones((300, 300)) @ numpy.ones((300, 300)))))

    @check("pandas")
    def _():
        import io
        import pandas
        return pandas.read_csv(io.StringIO("a,b\n1,2\n3,4\n")).sum().to_dict()

    @check("scipy")
    def _():
        from scipy import optimize
        return round(optimize.brentq(lambda x: x * x - 2, 0, 2), 6)

    @check("matplotlib")
    def _():
        import matplotlib
        matplotlib.use("Agg")
        from matplotlib import pyplot
        with tempfile.NamedTemporaryFile(suffix=".png") as file:
            pyplot.plot([1, 2, 3])
            pyplot.savefig(file.name)
            return os.path.getsize(file.name) > 1000 or "empty picture"

    @check("threads")
    def _():
        threads = [threading.Thread(target=square, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    @check("multiprocessing")
    def _():
        for method in ("fork", "spawn", "forkserver"):
            with multiprocessing.get_context(method).Pool(2) as pool:
                assert pool.map(square, range(4)) == [0, 1, 4, 9]

    @check("asyncio")
    def _():
        async def run():
            async def answer(reader, writer):
                writer.write(await reader.readline())
                writer.close()
            server = await asyncio.start_server(answer, "127.0.0.1", 0)
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"hello\n")
            line = await reader.readline()
            writer.close()
            server.close()
            process = await asyncio.create_subprocess_exec("echo", "hi", stdout=subprocess.PIPE)
            return line, (await process.communicate())[0]
        assert asyncio.run(run()) == (b"hello\n", b"hi\n")

    @check("ipv6_socket")
    def _():
        # Only the family: whether the loopback has ::1 is the engine's choice.
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).close()

    @check("getaddrinfo")
    def _():
        # The engine may leave /etc/hosts empty; servers and libraries want both names all the same.
        return socket.getaddrinfo("localhost", 80)[0][4][0], socket.gethostbyname(socket.gethostname())

    @check("shared_memory")
    def _():
        from multiprocessing import shared_memory
        memory = shared_memory.SharedMemory(create=True, size=4096)
        memory.buf[0] = 1
        memory.close()
        memory.unlink()

    @check("memfd_create")
    def _():
        os.close(os.memfd_create("x"))

    @check("openat2")
    def _():
        folder = os.open("/", os.O_PATH)
        how = ctypes.create_string_buffer(struct.pack("QQQ", os.O_PATH, 0, 0x08))  # RESOLVE_BENEATH
        os.close(syscall(437, ctypes.c_int(folder), b"usr", how, ctypes.c_size_t(24)))
        os.close(folder)

    @check("pidfd")
    def _():
        os.close(os.pidfd_open(os.getpid()))

    @check("inotify")
    def _():
        libc = ctypes.CDLL(None, use_errno=True)
        watcher = libc.inotify_init1(0)
        assert watcher >= 0 and libc.inotify_add_watch(watcher, b"/tmp", 0x100) >= 0
        os.close(watcher)

    @check("files")
    def _():
        with tempfile.TemporaryDirectory() as folder:
            source, target = os.path.join(folder, "a"), os.path.join(folder, "b")
            with open(source, "wb") as file:
                file.write(b"x" * 100_000)
                file.flush()
                os.fsync(file.fileno())
            with open(source, "rb") as reader, open(target, "wb") as writer:
                os.copy_file_range(reader.fileno(), writer.fileno(), 100_000)
                os.posix_fallocate(writer.fileno(), 0, 200_000)
            os.mkfifo(os.path.join(folder, "fifo"))
            os.link(source, os.path.join(folder, "link"))
            os.utime(source, (1, 1))
            os.chmod(source, 0o755)

    @check("sqlite")
    def _():
        import sqlite3
        with tempfile.TemporaryDirectory() as folder:
            with sqlite3.connect(os.path.join(folder, "x.db")) as database:
                database.execute("pragma journal_mode = wal")
                database.execute("create table t (a)")

    for name, command in {
        "git": 'cd "$(mktemp -d)" && git init -q && touch a && git add a'
               ' && git -c user.name=x -c user.email=x@x commit -qm x && git log --oneline | cat',
        "vim": 'cd "$(mktemp -d)" && vim -es -u NONE -c "normal ihello" -c "wq" x && cat x',
        "venv": 'cd "$(mktemp -d)" && python -m venv --without-pip v && v/bin/python -c "print(1)"',
        "ps": "ps -e | head -n 1",
        "pytest": 'cd "$(mktemp -d)" && echo "def test_x(): pass" >test_x.py && python -m pytest -q | tail -n 1',
        "id": "id -un",
    }.items():
        @check(name)
        def _(command=command):
            done = subprocess.run(["bash", "-c", "set -o pipefail; " + command], capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, done.stderr[-300:]
            return done.stdout.strip()[-80:]

    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
