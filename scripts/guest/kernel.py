#!/usr/bin/env python3
"""Prints the guest's kernels, which of them the lab has installed, and the boot loader's saved one, as
one JSON object on one line. Runs in the guest, as root; only reads files. components/build/kernel.ts
reads the output: a change of the output needs a new VERSION.
"""
import glob
import hashlib
import json
import os
import re

VERSION = 2
MARKS = "/var/lib/mirlab/kernels"
BASIS = "/var/lib/mirlab/kernel-basis"


def text(path, limit=4096):
    try:
        with open(path, errors="replace") as file:
            return file.read(limit)
    except FileNotFoundError:
        return ""


def digest(path):
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except FileNotFoundError:
        return None


def order(release):
    return [(int(n), "") if n else (-1, w) for n, w in re.findall(r"(\d+)|([^\d]+)", release)]


def main():
    installed = [os.path.basename(path)[len("vmlinuz-"):] for path in glob.glob("/boot/vmlinuz-*")]
    marks = [os.path.basename(path) for path in glob.glob(MARKS + "/[0-9]*")]
    identities = {release: text(f"{MARKS}/{release}").split() for release in marks}
    saved = re.search(r"^saved_entry=.*\bgnulinux-(.+)-advanced-", text("/boot/grub/grubenv"), re.MULTILINE)
    print(json.dumps({
        "version": VERSION,
        "running": os.uname().release,
        "bootId": text("/proc/sys/kernel/random/boot_id").strip(),
        "installed": sorted(installed, key=order, reverse=True),
        "ours": [{"release": release, "identity": (words + ["", ""])[1], "foreign": words[:1] == ["-"]}
                 for release, words in sorted(identities.items())],
        "saved": saved and saved[1],
        "pinned": os.path.exists("/etc/default/grub.d/zz-mirlab-kernel.cfg"),
        "basis": digest(BASIS),
    }, separators=(",", ":")))


main()
