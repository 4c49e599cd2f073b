#!/usr/bin/env python3
"""Which Mesa a guest has, and what of it is the lab's: one JSON object on one line. Runs in the
guest, as root; reads files only, and changes nothing. The other side of this file is
components/build/mesa.ts: a change of what is told is a new VERSION.
"""
import json
import re

VERSION = 1
RECORD = "/var/lib/mirlab/mesa/record"
# Of every guest; its version is Mesa's.
EGL = "libegl-mesa0"


def text(path):
    try:
        with open(path, errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def versions(names):
    """Of those that are installed, without a program: the status file is the database."""
    status, told = "\n" + text("/var/lib/dpkg/status") + "\n\n", {}
    for wanted in names:
        name, _, arch = wanted.partition(":")
        at = status.find(f"\nPackage: {name}\n")
        while at >= 0:
            block = status[at:status.find("\n\n", at) + 1]
            field = lambda key: (re.search(rf"^{key}: (.+)$", block, re.MULTILINE) or [None, ""])[1]
            if (not arch or field("Architecture") == arch) and field("Status").endswith(" installed"):
                told[wanted] = field("Version")
                break
            at = status.find(f"\nPackage: {name}\n", at + 1)
    return told


def main():
    lines = [line.split() for line in text(RECORD).splitlines()]
    head, rows = (lines[0], lines[1:]) if lines and len(lines[0]) == 3 else (None, [])
    installed = versions([EGL, *(row[0] for row in rows)])
    before = {row[0]: row[1] for row in rows}
    distro = before.get(EGL, installed.get(EGL, "-"))
    print(json.dumps({
        "version": VERSION,
        "distro": None if distro == "-" else distro,
        "ours": head and {"identity": head[0], "kept": head[1] == "kept", "mesa": head[2],
                          "whole": all(len(row) == 3 and installed.get(row[0], "-") == row[2] for row in rows)},
    }, separators=(",", ":")))


main()
