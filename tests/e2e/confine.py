"""Runs a command as a systemd unit has it, where systemd itself is not at hand: user, capability, system calls.

    confine.py UNIT USER_ID COMMAND [ARGUMENT…]

The command runs as that user, with the capability CAP_NET_RAW, which it inherits. Understands SystemCallFilter= with
groups, exclusions and names; what is not allowed fails with EPERM, as SystemCallErrorNumber= has it. x86-64 and arm64;
takes systemd-analyze, and gcc with the kernel's headers.
"""
import ctypes
import os
import re
import struct
import subprocess
import sys

PR_SET_KEEPCAPS, PR_CAPBSET_DROP, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 8, 24, 47, 2
CAP_NET_RAW, CAPABILITY_VERSION = 13, 0x20080522
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
ALLOW, ERRNO_EPERM, KILL = 0x7fff0000, 0x00050001, 0x80000000
LOAD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06
ARCHITECTURES = {"x86_64": 0xc000003e, "aarch64": 0xc00000b7}


def expand(name):
    """The names of system calls that a group stands for."""
    if not name.startswith("@"):
        return {name}
    listed = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager", name], stdout=subprocess.PIPE,
                            check=True).stdout.decode()
    members = re.findall(r"^ +(@?[a-z][\w-]*)$", listed, re.M)
    return set().union(*map(expand, members))


def allowed_by(unit):
    allowed = set()
    for line in re.findall(r"^SystemCallFilter=(.*)$", unit, re.M):
        names = set().union(*map(expand, line.lstrip("~").split()))
        allowed = allowed - names if line.startswith("~") else allowed | names
    return allowed


def numbers():
    """What the system calls of this machine are numbered."""
    text = subprocess.run(["gcc", "-E", "-dM", "-include", "asm/unistd.h", "-x", "c", "/dev/null"],
                          stdout=subprocess.PIPE, check=True).stdout.decode()
    return {name: int(number) for name, number in re.findall(r"#define __NR_(\w+) (\d+)$", text, re.M)}


def program(allowed):
    steps = [(LOAD, 0, 0, 4), (JUMP_EQUAL, 1, 0, ARCHITECTURES[os.uname().machine]), (RETURN, 0, 0, KILL),
             (LOAD, 0, 0, 0)]
    for number in sorted(allowed):
        steps += [(JUMP_EQUAL, 0, 1, number), (RETURN, 0, 0, ALLOW)]
    return steps + [(RETURN, 0, 0, ERRNO_EPERM)]


def demand(result, what):
    if result != 0:
        sys.exit(f"{what}: {os.strerror(ctypes.get_errno())}")


def become(libc, user):
    """The user, with CAP_NET_RAW alone, also across execve."""
    with open("/proc/sys/kernel/cap_last_cap", encoding="ascii") as last:
        for capability in range(int(last.read()) + 1):
            if capability != CAP_NET_RAW:
                demand(libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0), "bounding set")
    demand(libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), "keeping capabilities")
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    header, only = struct.pack("Ii", CAPABILITY_VERSION, 0), 1 << CAP_NET_RAW
    demand(libc.capset(header, struct.pack("6I", only, only, only, 0, 0, 0)), "capabilities")
    demand(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0), "ambient capability")


def confine(libc, steps):
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    header = ctypes.create_string_buffer(struct.pack("HL", len(steps), ctypes.addressof(code)))
    demand(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges")
    demand(libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header, 0, 0), "seccomp")


def main(arguments):
    if len(arguments) < 3:
        sys.exit(__doc__)
    with open(arguments[0], encoding="utf-8") as unit:
        names = allowed_by(unit.read())
    known = numbers()
    libc = ctypes.CDLL(None, use_errno=True)
    become(libc, int(arguments[1]))
    confine(libc, program({known[name] for name in names if name in known}))
    os.execvp(arguments[2], arguments[2:])


if __name__ == "__main__":
    main(sys.argv[1:])
