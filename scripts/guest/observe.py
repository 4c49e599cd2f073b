#!/usr/bin/env python3
"""Prints the current state of everything in the guest that the lab relies on, as one JSON object on one
line. Changes nothing.

    observe.py [verify]    `verify` also reads the files of the packages that decide the picture

Runs in the guest, as root. It reads files and runs two programs: each takes a tenth of a second
in an emulated guest. A part that cannot be read is null, and "errors" says why.
components/guest/observation.ts reads the output: a change of the output needs a new VERSION.
"""
import base64
import fnmatch
import glob
import hashlib
import json
import os
import re
import stat
import struct
import subprocess
import sys
import time

VERSION = 2
UNIT_DIR = "/etc/systemd/system"
SESSION_UNITS = ["mir-session.service", "mir-session-client.service"]
SHARE_MARK = b"# mirlab share "
# Every program, library and driver of these packages is checked.
PICTURE = ["libegl*", "libgles*", "libgbm*", "libgl1*", "libglapi*", "libglvnd*", "libllvm*", "libdrm*", "libmir*", "mir-*",
           "mesa-libgallium", "mirlab-mesa"]
PICTURE_FILES = re.compile(rb"([0-9a-f]{32})  ((?:(?:usr/)?(?:lib|bin|boot|share/glvnd|share/drirc\.d)|opt/mirlab|etc/ld\.so\.conf\.d)/.*)")
KERNEL_FILES = [b"boot/vmlinuz-", b"/qxl.ko", b"/virtio-gpu.ko", b"/bochs.ko", b"/drm.ko", b"/drm_kms_helper.ko",
                b"/9p.ko", b"/9pnet.ko", b"/9pnet_virtio.ko"]
TEXTS = ["/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/*", "/etc/sudoers", "/etc/sudoers.d/*", "/etc/default/grub",
         "/etc/default/grub.d/*", "/etc/modprobe.d/*", "/etc/modules-load.d/*", "/etc/fstab"]
SESSION_FILES = ["/etc/mir-session/server", "/etc/mir-session/client", "/etc/mir-session/display.yaml",
                 "/usr/local/lib/mir-session/*", "/etc/systemd/user/lomiri.service.d/*",
                 *(f"{folder}/{unit}{end}" for folder in (UNIT_DIR, "/run/systemd/system") for unit in SESSION_UNITS
                   for end in ("", ".d/*"))]
# Written by the lab or for it: their text is printed too, so that the lab can restore it.
OWN = ["/etc/ssh/sshd_config.d/10-mirlab.conf", "/etc/sudoers.d/90-cloud-init-users", "/etc/default/grub.d/mirlab.cfg"]
LARGEST = 65536


def read(path, limit=1 << 24):
    with open(path, "rb") as file:
        return file.read(limit)


def text(path):
    return read(path, LARGEST).decode(errors="replace").strip()


def link(path):
    return os.readlink(path) if os.path.islink(path) else None


# --- files ---


def file_facts(path):
    """Owner, mode and content; for a link or a folder only its kind."""
    info = os.lstat(path)
    facts = {"path": path, "mode": f"{stat.S_IMODE(info.st_mode):o}", "owner": f"{info.st_uid}:{info.st_gid}"}
    if stat.S_ISLNK(info.st_mode):
        return {**facts, "kind": "link to " + os.readlink(path)}
    if not stat.S_ISREG(info.st_mode) or info.st_size > LARGEST:
        return {**facts, "kind": "other" if not stat.S_ISREG(info.st_mode) else f"file of {info.st_size} bytes"}
    content = read(path, LARGEST)
    facts = {**facts, "kind": "file", "sha256": hashlib.sha256(content).hexdigest()}
    return {**facts, "text": content.decode(errors="replace")} if path in OWN and len(content) <= 4096 else facts


def listed(patterns):
    paths = [path for pattern in patterns for path in sorted(glob.glob(pattern))]
    return [file_facts(path) for path in paths if not (os.path.isdir(path) or path.endswith(("~", ".dpkg-old")))]


def share_units():
    return [path for path in sorted(glob.glob(UNIT_DIR + "/*.mount"))
            if os.path.isfile(path) and read(path, 100).startswith(SHARE_MARK)]


# --- systemd ---


def unit(name):
    drop_ins = [path for base in (UNIT_DIR, "/run/systemd/system", "/run/systemd/system.control", UNIT_DIR + ".control")
                for path in glob.glob(f"{base}/{name}.d/*.conf")]
    return {"enabled": bool(glob.glob(f"{UNIT_DIR}/*.wants/{name}")), "dropIns": sorted(drop_ins),
            "masked": any(link(f"{base}/{name}") == "/dev/null" for base in (UNIT_DIR, "/run/systemd/system"))}


def start_systemctl(*argv):
    return subprocess.Popen(["systemctl", *argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def units(child):
    """A unit's cgroup does not tell whether it is active: logind moves a login's processes to a scope."""
    lines = child.communicate(timeout=60)[0].decode().splitlines()
    running = dict(zip(SESSION_UNITS, (line in ("active", "reloading", "activating") for line in lines), strict=True))
    states = {name: {**unit(name), "active": running[name]} for name in SESSION_UNITS}
    for path in share_units():
        states[os.path.basename(path)] = {**unit(os.path.basename(path)), "active": None}
    states["getty@tty1.service"] = {**unit("getty@tty1.service"), "active": None}
    return states


def system(child):
    said = dict(line.split("=", 1) for line in child.communicate(timeout=60)[0].decode().splitlines() if "=" in line)
    failed = []
    if said.get("NFailedUnits", "0") != "0":
        argv = ["systemctl", "list-units", "--failed", "--plain", "--no-legend", "--full"]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        failed = sorted(line.split()[0] for line in done.stdout.decode(errors="replace").splitlines() if line.split())
    return {"starting": said.get("SystemState") in ("initializing", "starting"), "failed": failed,
            "target": link(UNIT_DIR + "/default.target") or "the packaged one"}


# --- kernel and boot loader ---


def grub_environment():
    try:
        lines = read("/boot/grub/grubenv", 1024).decode(errors="replace").splitlines()
    except FileNotFoundError:
        return {}
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def words(line):
    return [part.strip("'\"") for part in re.findall(r"'[^']*'|\"[^\"]*\"|[^\s'\"]+", line)]


def grub_entries(config):
    """For each entry its number, title, id and kernel; in a submenu as `1>0`, `Title>Title`, `id>id`."""
    found, open_menus, counts, braces = [], [], [0], []
    for line in map(str.strip, config.splitlines()):
        kind = line.split(" ")[0]
        if kind in ("menuentry", "submenu"):
            said = words(line)
            ident = said[said.index("$menuentry_id_option") + 1] if "$menuentry_id_option" in said else said[1]
            names = [str(counts[-1]), said[1], ident]
            counts[-1] += 1
            if kind == "submenu":
                open_menus.append(names)
                counts.append(0)
            else:
                found.append([">".join([menu[i] for menu in open_menus] + [name]) for i, name in enumerate(names)] + [None])
        elif kind in ("linux", "linux16", "linuxefi") and found and found[-1][3] is None:
            found[-1][3] = words(line)[1]
        if line.endswith("{"):
            braces.append(kind)
        elif line == "}" and braces and braces.pop() == "submenu":
            open_menus.pop()
            counts.pop()
    return found


def default_kernel():
    """The boot loader's default entry and its kernel, as far as grub.cfg states them literally."""
    config, environment = read("/boot/grub/grub.cfg").decode(errors="replace"), grub_environment()
    version = lambda path: os.path.basename(path)[len("vmlinuz-"):] if path and "vmlinuz-" in path else path
    if "menuentry " not in config:
        plain = re.search(r"^\s*linux\s+(\S+)", config, re.MULTILINE)
        return {"entry": "the only one", "kernel": version(plain and plain[1])}
    wanted = re.findall(r'^\s*set default="([^"]*)"', config, re.MULTILINE)
    saved = '"${saved_entry}"' in config
    entry = environment.get("saved_entry", "") if saved else next((w for w in wanted if "$" not in w), "0")
    entries = grub_entries(config)
    found = next((e for e in entries if entry in e[:3]), entries[0] if entries else [None] * 4)
    return {"entry": entry or "the first one", "kernel": version(found[3])}


def kernel():
    running, environment = os.uname().release, grub_environment()
    return {"running": running, "commandLine": text("/proc/cmdline"), **default_kernel(),
            "saved": environment.get("saved_entry") or None, "once": environment.get("next_entry") or None,
            "initrd": signature([f"/boot/initrd.img-{running}"])}


# --- packages ---


def stanzas(names):
    """Version and hold of installed packages, read from dpkg's status file: a program takes longer."""
    status = b"\n" + read("/var/lib/dpkg/status")
    versions, holds = {}, []
    for name in names:
        start = status.find(b"\nPackage: " + name.encode() + b"\n")
        block = status[start:status.find(b"\n\n", start)] if start >= 0 else b""
        state = re.search(rb"^Status: (\S+) \S+ (\S+)$", block, re.MULTILINE)
        version = re.search(rb"^Version: (.+)$", block, re.MULTILINE)
        if state and version and state[2] == b"installed":
            versions[name] = version[1].decode(errors="replace")
    at = status.find(b"\nStatus: hold ")
    while at >= 0:
        start = status.rfind(b"\nPackage: ", 0, at)
        holds.append(status[start + 10:status.find(b"\n", start + 1)].decode(errors="replace"))
        at = status.find(b"\nStatus: hold ", at + 1)
    return {"versions": versions, "holds": sorted(holds)}


def packaged():
    """MD5 and path of each file that decides the picture, and the names of their packages."""
    sums, names = {}, []
    for path in glob.glob("/var/lib/dpkg/info/*.md5sums"):
        name = os.path.basename(path)[:-len(".md5sums")].split(":")[0]
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in PICTURE):
            lines = read(path).splitlines()
        elif name == "linux-image-" + os.uname().release:
            lines = lines_with(read(path), KERNEL_FILES)
        else:
            continue
        names.append(name)
        for line in lines:
            if found := PICTURE_FILES.fullmatch(line):
                sums["/" + found[2].decode(errors="replace")] = found[1].decode()
    return sorted(names), sorted(sums.items())


def lines_with(text, wanted):
    """bytes.find, not a regex: in an emulated guest a regex takes a second for a kernel's 5000 files."""
    for word in wanted:
        at = text.find(word)
        if at >= 0:
            yield text[text.rfind(b"\n", 0, at) + 1:text.find(b"\n", at)]


def signature(paths):
    """A hash that changes with a file's size, times, inode or mode: only then are the files read."""
    digest = hashlib.sha256()
    for path in paths:
        try:
            info = os.lstat(path)
            digest.update(f"{path} {info.st_size} {info.st_mtime_ns} {info.st_ctime_ns} {info.st_ino} {info.st_mode}\n".encode())
        except OSError:
            digest.update(f"{path} missing\n".encode())
    return digest.hexdigest()


def changed(sums):
    differing, known = [], {}
    for path, wanted in sums:
        try:
            # Mesa's drivers are one file with many names.
            inode = os.stat(path).st_ino
            known[inode] = known.get(inode) or hashlib.md5(read(path, 1 << 30), usedforsecurity=False).hexdigest()
            differing += [] if known[inode] == wanted else [{"path": path, "state": "changed"}]
        except OSError:
            differing.append({"path": path, "state": "missing"})
    return differing


def packages(verify):
    names, sums = packaged()
    facts = {**stanzas([*names, "foot", "qemu-guest-agent", "openssh-server"]),
             "signature": signature(path for path, _ in sums), "changed": changed(sums) if verify else None}
    initrd = f"/boot/initrd.img-{os.uname().release}"
    sound = verify and os.path.exists(initrd)
    return {**facts, "initrdSha256": hashlib.sha256(read(initrd, 1 << 30)).hexdigest() if sound else None}


# --- login ---


def fingerprint(blob):
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def authorized_keys(home):
    path = home + "/.ssh/authorized_keys"
    if not os.path.exists(path):
        return {"path": path, "mode": "", "owner": "", "keys": []}
    keys = []
    for line in read(path, LARGEST).decode(errors="replace").splitlines():
        found = re.match(r"(.*?)((?:sk-)?(?:ssh|ecdsa)-[A-Za-z0-9@.-]+) ([A-Za-z0-9+/]+={0,3})( .*)?$", line.strip())
        if found and not line.lstrip().startswith("#"):
            keys.append({"fingerprint": fingerprint(base64.b64decode(found[3])), "options": found[1].strip()})
        elif line.strip() and not line.lstrip().startswith("#"):
            keys.append({"fingerprint": "unreadable line", "options": ""})
    facts = file_facts(path)
    return {"path": path, "mode": facts["mode"], "owner": facts["owner"], "keys": keys}


def account():
    """The account that logged in to run this script."""
    name = os.environ.get("SUDO_USER") or "root"
    row = next(line.split(":") for line in text("/etc/passwd").splitlines() if line.startswith(name + ":"))
    lock = next((line.split(":")[1] for line in text("/etc/shadow").splitlines() if line.startswith(name + ":")), "")
    groups = [g[0] for g in (line.split(":") for line in text("/etc/group").splitlines()) if name in g[-1].split(",")]
    return {"name": name, "id": f"{row[2]}:{row[3]}", "shell": row[6], "groups": sorted(groups),
            "password": ("locked" if lock.startswith(("!", "*")) else "none" if lock == "" else "set"),
            "authorized": authorized_keys(row[5])}


def host_keys():
    """Fingerprints of the host keys; a private key file holds the public key unencrypted."""
    prints = {}
    for path in sorted(glob.glob("/etc/ssh/ssh_host_*_key")):
        body = b"".join(line for line in read(path, LARGEST).splitlines() if not line.startswith(b"-----"))
        blob, at = base64.b64decode(body), 15
        try:
            for _ in range(3):
                at += 4 + struct.unpack_from(">I", blob, at)[0]
            length = struct.unpack_from(">I", blob, at + 4)[0]
            prints[path] = fingerprint(blob[at + 8:at + 8 + length])
        except struct.error:
            prints[path] = "unreadable"
    return prints


# --- the rest ---


def mounts():
    rows = [line.split(" ") for line in read("/proc/self/mountinfo").decode(errors="replace").splitlines()]
    after = lambda row: row[row.index("-") + 1:]
    return [{"dir": row[4], "type": after(row)[0], "source": after(row)[1], "options": f"{row[5]},{after(row)[2]}"}
            for row in rows if row[4] == "/" or after(row)[0] == "9p"]


def root_disk():
    """Unused bytes of the root disk after the root file system; None if / is not ext4 on a partition."""
    device = os.stat("/").st_dev
    folder = os.path.realpath(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}")
    if not os.path.exists(folder + "/partition"):
        return None
    with open("/dev/" + os.path.basename(folder), "rb") as file:
        file.seek(1024)
        block = file.read(1024)
    if block[56:58] != b"\x53\xef":
        return None
    low, high = struct.unpack_from("<I", block, 4)[0], struct.unpack_from("<I", block, 0x150)[0]
    is64 = struct.unpack_from("<I", block, 0x60)[0] & 0x80
    used = (low | (high << 32 if is64 else 0)) * (1024 << struct.unpack_from("<I", block, 24)[0])
    sectors = lambda path: int(text(path)) * 512
    return max(0, sectors(os.path.dirname(folder) + "/size") - sectors(folder + "/start") - used)


def cloud_init():
    folder = "/run/cloud-init/"
    if not os.path.exists("/usr/bin/cloud-init"):
        return "absent"
    if os.path.exists(folder + "disabled"):
        return "disabled"
    if not os.path.exists(folder + "result.json"):
        return "running"
    return "; ".join(str(e) for e in json.loads(read(folder + "result.json"))["v1"]["errors"])[:400] or "done"


def main():
    manager = start_systemctl("show", "-p", "SystemState", "-p", "NFailedUnits")
    sessions = start_systemctl("is-active", *SESSION_UNITS)
    ask = {
        "kernel": kernel,
        "files": lambda: listed(TEXTS),
        "session": lambda: listed(SESSION_FILES),
        "share": lambda: [file_facts(path) for path in share_units()],
        "units": lambda: units(sessions),
        "packages": lambda: packages(sys.argv[1:] == ["verify"]),
        "account": account,
        "hostKeys": host_keys,
        "mounts": mounts,
        "rootDisk": lambda: {"unused": root_disk()},
        "cloudInit": cloud_init,
        "hostname": lambda: {"running": os.uname().nodename, "file": text("/etc/hostname")},
        "timezone": lambda: link("/etc/localtime") or "UTC",
        "bootId": lambda: text("/proc/sys/kernel/random/boot_id"),
        "system": lambda: system(manager),
    }
    facts, errors = {"version": VERSION}, []
    for name, get in ask.items():
        try:
            facts[name] = get()
        except Exception as error:
            facts[name] = None
            errors.append({"fact": name, "message": f"{type(error).__name__}: {error}"[:400]})
    print(json.dumps({**facts, "time": time.time(), "errors": errors}, separators=(",", ":")))


main()
