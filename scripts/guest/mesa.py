#!/usr/bin/env python3
"""Prints the distribution's and the lab's Mesa of a guest, as one JSON object on one line. Runs in the
guest, as root; only reads files. components/build/mesa.ts reads the output: a change of the output
needs a new VERSION.
"""
import json
import re

VERSION = 1
RECORD = "/var/lib/mirlab/mesa/record"
# Every guest has this package; its version is Mesa's.
EGL = "libegl-mesa0"


def text(path):
    try:
        with open(path, errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def versions(names):
    """Versions of the installed ones, read from dpkg's status file: a program takes longer."""
    status, found = "\n" + text("/var/lib/dpkg/status") + "\n\n", {}
    for wanted in names:
        name, _, arch = wanted.partition(":")
        at = status.find(f"\nPackage: {name}\n")
        while at >= 0:
            block = status[at:status.find("\n\n", at) + 1]
            field = lambda key: (re.search(rf"^{key}: (.+)$", block, re.MULTILINE) or [None, ""])[1]
            if (not arch or field("Architecture") == arch) and field("Status").endswith(" installed"):
                found[wanted] = field("Version")
                break
            at = status.find(f"\nPackage: {name}\n", at + 1)
    return found


def main():
    lines = [line.split() for line in text(RECORD).splitlines()]
    head, rows = (lines[0], lines[1:]) if lines and len(lines[0]) == 3 else (None, [])
    installed = versions([EGL, *(row[0] for row in rows)])
    before = {row[0]: row[1] for row in rows}
    distro = before.get(EGL, installed.get(EGL, "-"))
    suite = re.search(r"^VERSION_CODENAME=([a-z]+)$", text("/etc/os-release"), re.MULTILINE)
    print(json.dumps({
        "version": VERSION,
        "suite": suite and suite[1],
        "distro": None if distro == "-" else distro,
        "ours": head and {"identity": head[0], "kept": head[1] == "kept", "mesa": head[2],
                          "whole": all(len(row) == 3 and installed.get(row[0], "-") == row[2] for row in rows)},
    }, separators=(",", ":")))


main()
