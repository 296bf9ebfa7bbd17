#!/usr/bin/env python3
"""Says from inside a sandbox what it can and cannot do, one JSON object a line:

    {"check": "syscall.bpf", "safe": true, "detail": "EPERM"}

`safe` means: what must be refused was refused, what must work did. The exit status is 1 when any line
is unsafe. A system call counts as refused only when it failed with an error that says so: EINVAL or
EFAULT would mean that it got past the filter and into the kernel's own code.
"""
import ctypes
import errno
import json
import mmap
import os
import platform
import signal
import socket
import stat
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long
REFUSALS = {errno.EPERM, errno.ENOSYS, errno.EACCES}
NULL = 0
unsafe = 0

# name: (number on x86_64, number on aarch64, arguments). None: the call does not exist there.
# The arguments would do no harm if the call were let through by mistake.
FORBIDDEN = {
    "io_uring_setup": (425, 425, (1, NULL)),
    "io_uring_enter": (426, 426, (-1, 0, 0, 0)),
    "io_uring_register": (427, 427, (-1, 0, 0, 0)),
    "io_setup": (206, 0, (1, NULL)),
    "bpf": (321, 280, (0, NULL, 0)),
    "perf_event_open": (298, 241, (NULL, 0, -1, -1, 0)),
    "userfaultfd": (323, 282, (1,)),
    "unshare.user": (272, 97, (0x10000000,)),
    "unshare.mount": (272, 97, (0x00020000,)),
    "unshare.net": (272, 97, (0x40000000,)),
    "setns": (308, 268, (-1, 0)),
    "clone3": (435, 435, (NULL, 0)),
    "mount": (165, 40, (NULL, NULL, NULL, 0, NULL)),
    "umount2": (166, 39, (NULL, 0)),
    "pivot_root": (155, 41, (NULL, NULL)),
    "chroot": (161, 51, (NULL,)),
    "fsopen": (430, 430, (NULL, 0)),
    "open_tree": (428, 428, (-1, NULL, 0)),
    "move_mount": (429, 429, (-1, NULL, -1, NULL, 0)),
    "mount_setattr": (442, 442, (-1, NULL, 0, NULL, 0)),
    "keyctl": (250, 219, (0, -3, 0)),
    "add_key": (248, 217, (NULL, NULL, NULL, 0, 0)),
    "request_key": (249, 218, (NULL, NULL, NULL, 0)),
    "open_by_handle_at": (304, 265, (-1, NULL, 0)),
    "name_to_handle_at": (303, 264, (-1, NULL, NULL, NULL, 0)),
    "ptrace": (101, 117, (0x10, 999999999, 0, 0)),
    "process_vm_readv": (310, 270, (999999999, NULL, 0, NULL, 0, 0)),
    "process_vm_writev": (311, 271, (999999999, NULL, 0, NULL, 0, 0)),
    "process_madvise": (440, 440, (-1, NULL, 0, 0, 0)),
    "pidfd_getfd": (438, 438, (-1, 0, 0)),
    "kcmp": (312, 272, (999999999, 999999999, 0, 0, 0)),
    "personality.no_randomize": (135, 92, (0x0040000,)),
    "kexec_load": (246, 104, (0, 0, NULL, 0)),
    "init_module": (175, 105, (NULL, 0, NULL)),
    "finit_module": (313, 273, (-1, NULL, 0)),
    "delete_module": (176, 106, (NULL, 0)),
    "reboot": (169, 142, (0, 0, 0, NULL)),
    "swapon": (167, 224, (NULL, 0)),
    "acct": (163, 89, (NULL,)),
    "syslog": (103, 116, (10, NULL, 0)),
    "quotactl": (179, 60, (0, NULL, 0, NULL)),
    "clock_settime": (227, 112, (0, NULL)),
    "settimeofday": (164, 170, (NULL, NULL)),
    "adjtimex": (159, 171, (NULL,)),
    "sethostname": (170, 161, (NULL, 0)),
    "fanotify_init": (300, 262, (0, 0)),
    "memfd_secret": (447, 447, (0,)),
    "vmsplice": (278, 75, (-1, NULL, 0, 0)),
    "sync": (162, 81, ()),
    "mq_open": (240, 180, (NULL, 0, 0, NULL)),
    "mbind": (237, 235, (NULL, 0, 0, NULL, 0, 0)),
    "iopl": (172, None, (0,)),
    "modify_ldt": (154, None, (0, NULL, 0)),
}

# (name, family, type, protocol)
FORBIDDEN_SOCKETS = [
    ("vsock", 40, socket.SOCK_STREAM, 0),
    ("alg", 38, socket.SOCK_SEQPACKET, 0),
    ("packet", 17, socket.SOCK_RAW, 0),
    ("bluetooth", 31, socket.SOCK_RAW, 1),
    ("can", 29, socket.SOCK_RAW, 1),
    ("xdp", 44, socket.SOCK_RAW, 0),
    ("raw", socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
    ("sctp", socket.AF_INET, socket.SOCK_STREAM, 132),
    ("mptcp", socket.AF_INET, socket.SOCK_STREAM, 262),
    ("netlink_netfilter", 16, socket.SOCK_RAW, 12),
    ("netlink_audit", 16, socket.SOCK_RAW, 9),
]

DEVICES = {"console", "core", "fd", "full", "mqueue", "null", "ptmx", "pts", "random", "shm", "stderr",
           "stdin", "stdout", "tty", "urandom", "zero"}


def report(check, safe, detail=""):
    """Prints one result; unsafe ones decide the exit status."""
    global unsafe
    unsafe += not safe
    print(json.dumps({"check": check, "safe": bool(safe), "detail": str(detail)}), flush=True)


def name_of(number):
    """The symbolic name of an errno."""
    return errno.errorcode.get(number, str(number))


def check_status():
    """Identity, capabilities, filter and no-new-privileges as the kernel states them."""
    with open("/proc/self/status", encoding="utf-8") as file:
        fields = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    report("uid", set(fields["Uid"].split()) == {"1000"}, fields["Uid"])
    report("gid", set(fields["Gid"].split()) == {"1000"}, fields["Gid"])
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        report(f"capabilities.{name}", int(fields[name], 16) == 0, fields[name])
    report("no_new_privs", fields["NoNewPrivs"] == "1", fields["NoNewPrivs"])
    report("seccomp", fields["Seccomp"] == "2", fields["Seccomp"])


def check_syscalls():
    """Every call that must not get through the filter."""
    column = {"x86_64": 0, "aarch64": 1}[platform.machine()]
    for name, entry in FORBIDDEN.items():
        number = entry[column]
        if number is None:
            continue
        ctypes.set_errno(0)
        result = LIBC.syscall(ctypes.c_long(number), *(ctypes.c_long(a) for a in entry[2]))
        code = ctypes.get_errno()
        report(f"syscall.{name}", result == -1 and code in REFUSALS, name_of(code) if result == -1 else result)
    # clone with a namespace flag: a child that appears leaves at once.
    number = (56, 220)[column]
    for name, flag in (("user", 0x10000000), ("pid", 0x20000000), ("net", 0x40000000), ("mount", 0x00020000)):
        ctypes.set_errno(0)
        result = LIBC.syscall(ctypes.c_long(number), ctypes.c_long(flag | signal.SIGCHLD),
                              *(ctypes.c_long(0) for _ in range(4)))
        if result == 0:
            os._exit(0)
        if result > 0:
            os.waitpid(result, 0)
        code = ctypes.get_errno()
        report(f"syscall.clone.{name}", result == -1 and code in REFUSALS, name_of(code))


def check_32_bit():
    """int 0x80 must not be a way around the filter's argument checks (x86_64)."""
    if platform.machine() != "x86_64":
        return
    child = os.fork()
    if child == 0:
        page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        page.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")  # mov eax, 20 (getpid); int 0x80; ret
        call = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
        os._exit(1 if call() == os.getpid() else 0)
    _, status = os.waitpid(child, 0)
    worked = os.WIFEXITED(status) and os.WEXITSTATUS(status) == 1
    report("syscall.int80", not worked, f"wait status {status}")


def check_sockets():
    """Socket families and protocols outside the list."""
    for name, family, kind, protocol in FORBIDDEN_SOCKETS:
        ctypes.set_errno(0)
        result = LIBC.socket(family, kind, protocol)
        code = ctypes.get_errno()
        if result >= 0:
            os.close(result)
        report(f"socket.{name}", result == -1 and code in REFUSALS, name_of(code) if result == -1 else "opened")
    # A family in the upper half of the 64-bit argument must not pass for an allowed one.
    number = {"x86_64": 41, "aarch64": 198}[platform.machine()]
    ctypes.set_errno(0)
    result = LIBC.syscall(ctypes.c_long(number), ctypes.c_long(1 << 32 | 40), ctypes.c_long(1), ctypes.c_long(0))
    report("socket.vsock_high_bits", result == -1 and ctypes.get_errno() in REFUSALS, name_of(ctypes.get_errno()))


def check_network():
    """Nothing but the loopback; no way out."""
    interfaces = sorted(name for _, name in socket.if_nameindex())
    # The kernel adds fallback tunnel devices to a new network namespace; without routes they lead nowhere.
    with open("/proc/net/route", encoding="ascii") as file:
        routes = file.read().splitlines()[1:]
    report("network.routes", not routes, f"{interfaces} {routes}")
    for name, address in (("metadata", ("169.254.169.254", 80)), ("outside", ("192.0.2.1", 80)), ("bridge", ("172.17.0.1", 80))):
        with socket.socket() as probe:
            probe.settimeout(2)
            code = probe.connect_ex(address)
        report(f"network.{name}", code in (errno.ENETUNREACH, errno.EHOSTUNREACH), name_of(code))


def check_files():
    """Read-only root, no privileged file, no engine socket, hidden parts of /proc and /sys."""
    for path in ("/", "/etc", "/usr/bin", "/usr/local/bin", "/usr/lib/python3/dist-packages", "/run", "/run/carrel", "/var"):
        try:
            file = os.open(os.path.join(path, "carrel-probe"), os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
            os.close(file)
            os.unlink(os.path.join(path, "carrel-probe"))
            report(f"readonly.{path}", False, "written")
        except OSError as error:
            report(f"readonly.{path}", error.errno in (errno.EROFS, errno.EACCES, errno.ENOENT), name_of(error.errno))
    root = next(line.split() for line in open("/proc/self/mounts", encoding="utf-8") if line.split()[1] == "/")
    report("readonly.root_mount", "ro" in root[3].split(","), root[3].split(",")[0])

    found = []
    for folder, folders, files in os.walk("/"):
        folders[:] = [f for f in folders if os.path.join(folder, f) not in ("/proc", "/sys")]
        for name in folders + files:
            path = os.path.join(folder, name)
            try:
                mode = os.lstat(path).st_mode
                if stat.S_ISREG(mode) and (mode & (stat.S_ISUID | stat.S_ISGID)
                                           or "security.capability" in os.listxattr(path, follow_symlinks=False)):
                    found.append(path)
            except OSError:
                continue
    report("no_setuid_files", not found, " ".join(found[:5]))

    for path in ("/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock", "/run/carrel/token"):
        report(f"absent.{path}", not os.path.exists(path))
    for path in ("/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern", "/proc/sys/vm/drop_caches", "/sys/kernel/uevent_helper"):
        try:
            os.close(os.open(path, os.O_WRONLY))
            report(f"unwritable.{path}", False, "opened")
        except OSError as error:
            report(f"unwritable.{path}", True, name_of(error.errno))
    for path in ("/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"):
        try:
            size = len(os.listdir(path)) if os.path.isdir(path) else len(open(path, "rb").read(64))
        except OSError:
            size = 0
        report(f"masked.{path}", size == 0, size)
    extra = sorted(set(os.listdir("/dev")) - DEVICES)
    report("devices", not extra, " ".join(extra))


def check_agent():
    """The agent (PID 1, same uid) must be out of reach of the programs it starts."""
    for path in ("/proc/1/mem", "/proc/1/environ"):
        try:
            os.close(os.open(path, os.O_RDONLY))
            report(f"agent.{path}", False, "opened")
        except OSError as error:
            report(f"agent.{path}", True, name_of(error.errno))
    # With arguments that would change nothing.
    numbers = {
        "prlimit64": (302, 261, (1, 7, NULL, NULL)),
        "sched_setscheduler": (144, 119, (1, 0, NULL)),
        "sched_setattr": (314, 274, (1, NULL, 0)),
        "setpriority": (141, 140, (0, 1, 0)),
        "setpriority.user": (141, 140, (2, 0, 0)),
        "ioprio_set": (251, 30, (1, 1, 0)),
    }
    column = {"x86_64": 0, "aarch64": 1}[platform.machine()]
    for name, entry in numbers.items():
        ctypes.set_errno(0)
        result = LIBC.syscall(ctypes.c_long(entry[column]), *(ctypes.c_long(a) for a in entry[2]))
        report(f"agent.{name}", result == -1 and ctypes.get_errno() in REFUSALS, name_of(ctypes.get_errno()))
    ours, its = (int(open(f"/proc/{process}/oom_score_adj").read()) for process in ("self", "1"))
    report("agent.out_of_memory", ours > its, f"{ours} here, {its} there")
    secrets = [name for name in os.environ if "TOKEN" in name or "PASSWORD" in name or name.startswith("CARREL_")]
    report("environment", not secrets, " ".join(secrets))


if __name__ == "__main__":
    check_status()
    check_syscalls()
    check_32_bit()
    check_sockets()
    check_network()
    check_files()
    if "--agent" in sys.argv[1:]:
        check_agent()
    sys.exit(1 if unsafe else 0)
