#!/usr/bin/env python3
"""Every fact the lab reads from a guest, as one JSON object on one line.

Runs in the guest, as root: the journal and other processes' maps need it. It changes nothing. A
fact that cannot be read is null, and "errors" says why; the other facts are printed all the same.
components/guest/facts.ts reads the output: a change of the output needs a new VERSION. The text of
facts-probes.py comes before this one (core/link.io.ts).

Other programs and Mesa take most of the time: they start first, and run while this process reads
files.
"""
import array
import fcntl
import functools
import glob
import json
import os
import re
import struct
import subprocess
import time

VERSION = 2
UNITS = ("mir-session.service", "mir-session-client.service")
# Written by session.sh; it says where the server is not the unit's own process.
SESSION_FILE = "/etc/mir-session/session.json"
CLIENT_FILE = "/etc/mir-session/client"
DEFAULT_CLIENT = b"/usr/local/lib/mir-session/banner"
TESTS = "/usr/local/lib/mir-session/tests"
TESTS_RESULT = "/var/lib/mir-session/tests"
PACKAGES = ["libegl-mesa0", "libgl1-mesa-dri", "libgbm1", "mir-test-tools", "mir-platform-graphics-gbm-kms"]
OPTIONS = ["DRM_QXL", "NET_9P_VIRTIO"]

PROGRAMS = {
    "units": ["systemctl", "show", *UNITS, "-p", "Id,LoadState,ActiveState,Job,NRestarts,MainPID,Result"],
    "packages": ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status} ${Version}\\n", *PACKAGES],
    "tests": ["bash", TESTS, "identity"],
}


def read(path):
    with open(path, errors="replace") as file:
        return file.read().strip()


def link_name(path):
    return os.path.basename(os.readlink(path)) if os.path.islink(path) else None


# --- other processes ---


def start(argv):
    env = {**os.environ, "LC_ALL": "C"}
    return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)


def output(child, ok=(0,)):
    try:
        out, err = child.communicate(timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        child.kill()
        raise RuntimeError(f"{child.args[0]}: no answer in {LIMIT_S} s")
    if child.returncode not in ok:
        last = (err.decode(errors="replace").strip() or "no message").splitlines()[-1]
        raise RuntimeError(f"{child.args[0]} ended with {child.returncode}: {last}")
    return out.decode(errors="replace")


def listener(path):
    """The process that listens on this socket, or 0: a launcher's name is not its server's."""
    rows = [line.split() for line in read("/proc/net/unix").splitlines()]
    # Flags 00010000: it listens (include/uapi/linux/net.h, __SO_ACCEPTCON).
    inodes = {f"socket:[{row[6]}]" for row in rows if row[7:] == [path] and row[3] == "00010000"}
    owner = str(os.stat(path).st_uid) if inodes else None
    pids = []
    for process in glob.glob("/proc/[0-9]*"):
        try:
            # Not the folder's owner: a process that may not be dumped has root's.
            if re.search(r"^Uid:\t(\d+)", read(process + "/status"), re.MULTILINE)[1] != owner:
                continue
            if any(os.readlink(fd) in inodes for fd in glob.glob(process + "/fd/*")):
                pids.append(int(process.split("/")[2]))
        except OSError:  # The process has ended since the glob, or closed the file.
            continue
    return min(pids, default=0)


@functools.cache
def server_elsewhere():
    """For a server that a login starts: its pid, or 0, and the journal match of its log. Else None."""
    if not os.path.exists(SESSION_FILE):
        return None
    known = json.loads(read(SESSION_FILE))
    # "process": of the version before.
    if not known.get("login", known.get("process")):
        return None
    return listener(known["socket"]), known["log"]


def start_journal():
    elsewhere = server_elsewhere()
    if elsewhere is not None:
        pid, match = elsewhere
        return start(["journalctl", "-b", "-o", "cat", "--no-pager", match, f"_PID={pid}"]) if pid else None
    # Only of the running session: an earlier one may have selected other drivers.
    try:
        match = "_SYSTEMD_INVOCATION_ID=" + os.readlink("/run/systemd/units/invocation:" + UNITS[0])
    except OSError:
        return None
    return start(["journalctl", "-o", "cat", "--no-pager", match])


# --- kernel and graphics ---


def kernel():
    running = os.uname().release
    installed = [os.path.basename(p)[len("vmlinuz-"):] for p in glob.glob("/boot/vmlinuz-*")]
    order = lambda v: [(int(n), "") if n else (-1, w) for n, w in re.findall(r"(\d+)|([^\d]+)", v)]
    text = None
    if os.path.exists("/boot/config-" + running):
        text = read("/boot/config-" + running)
    elif os.path.exists("/proc/config.gz"):
        import gzip

        text = gzip.open("/proc/config.gz", "rt").read()
    # str.find, not a regex: in an emulated guest a regex takes a second for these 260 kB.
    value = lambda option: text[at + len(option) + 9:][:1] if (at := text.find(f"\nCONFIG_{option}=")) >= 0 else "n"
    return {"running": running, "build": os.uname().version, "newestInstalled": max(installed, key=order, default=None),
            "config": text and {option: value(option) for option in OPTIONS}}


def avx():
    """Whether the CPU has AVX, which llvmpipe then uses."""
    return re.search(r"^flags\s*:.* avx( |$)", read("/proc/cpuinfo"), re.MULTILINE) is not None


def packages(child):
    lines = [line.split(" ") for line in output(child, ok=(0, 1)).splitlines()]
    found = {line[0]: line[2] for line in lines if len(line) == 3 and line[1] == "installed"}
    return {name: found.get(name) for name in PACKAGES}


# Linux: include/uapi/drm/drm.h and drm_mode.h
GET_CAP, GET_RESOURCES = 0xC010640C, 0xC04064A0
CAP_PRIME, PRIME_IMPORT, PRIME_EXPORT = 5, 1, 2


def ask_card(node):
    card = open_card(node)
    try:
        cap = array.array("Q", [CAP_PRIME, 0])
        fcntl.ioctl(card, GET_CAP, cap)
        resources = bytearray(64)
        fcntl.ioctl(card, GET_RESOURCES, resources)
        return {"primeImport": bool(cap[1] & PRIME_IMPORT), "primeExport": bool(cap[1] & PRIME_EXPORT),
                "crtcs": struct.unpack_from("8I", resources, 32)[1]}
    finally:
        os.close(card)


def drm():
    cards = []
    for card in sorted(glob.glob("/sys/class/drm/card[0-9]*")):
        name = os.path.basename(card)
        if "-" in name:
            continue
        ids = [read(f"{card}/device/{f}")[2:] if os.path.exists(f"{card}/device/{f}") else None for f in ("vendor", "device")]
        connectors = [{"name": os.path.basename(c)[len(name) + 1:], "status": read(f"{c}/status"),
                       "modes": len(read(f"{c}/modes").splitlines())} for c in sorted(glob.glob(f"{card}/{name}-*"))]
        cards.append({"name": name, "driver": link_name(f"{card}/device/driver"), "pciId": ":".join(ids) if all(ids) else None,
                      "connectors": connectors, **ask_card(f"/dev/dri/{name}")})
    return cards


# --- session ---


def session(child):
    unit, client = (dict(l.split("=", 1) for l in block.splitlines()) for block in output(child).strip().split("\n\n"))
    if unit["LoadState"] not in ("loaded", "masked"):
        raise RuntimeError(f"found no unit {UNITS[0]}; need it installed")
    elsewhere = server_elsewhere()
    pid = int(unit["MainPID"]) if elsewhere is None else elsewhere[0]
    active = unit["ActiveState"] == "active" and pid != 0
    return {"loadState": unit["LoadState"], "activeState": unit["ActiveState"], "queued": unit.get("Job", "") not in ("", "0"),
            "restarts": int(unit["NRestarts"]), "result": unit["Result"],
            "activeSeconds": round(serving_seconds(pid), 1) if active else None,
            "client": client_kind(), "clientState": client["ActiveState"], "libraries": libraries(pid) if pid else []}


def serving_seconds(pid):
    """Since when the server has its socket: a login's unit is active long before. No longer than its process, as a clock may have been set."""
    ticks = int(read(f"/proc/{pid}/stat").rsplit(")", 1)[1].split()[19])  # Field 22, starttime: proc(5).
    age = float(read("/proc/uptime").split()[0]) - ticks / os.sysconf("SC_CLK_TCK")
    try:
        serving = time.time() - os.stat(json.loads(read(SESSION_FILE))["socket"]).st_mtime
        return serving if 0 <= serving <= age else age
    except OSError:  # Another server than the lab's, or a socket that was removed.
        return age


def client_kind():
    """The session's client: none, the lab's own banner (default), or a configured one."""
    if not os.path.exists(CLIENT_FILE):
        return "none"
    with open(CLIENT_FILE, "rb") as file:
        argv = file.read().rstrip(b"\0").split(b"\0")
    return "default" if argv[-1] == DEFAULT_CLIENT else "configured"


def libraries(pid):
    """Files of Mesa and Mir that the server has mapped; a file replaced since then ends in (deleted)."""
    wanted = re.compile(r"/(lib(EGL|GL|gbm|gallium|mirserver|mirplatform)[^/]*|[^/]*_dri|[^/]*-kms|renderer-[^/]*)\.so[^/]*$")
    paths = {line.split(None, 5)[5] for line in read(f"/proc/{pid}/maps").splitlines() if "/" in line}
    return sorted(path for path in paths if wanted.search(path))


def mir_log(child):
    if child is None:
        return None
    wanted = {"displayDriver": "Selected display driver", "renderingDriver": "Selected rendering driver",
              "glRenderer": "GL renderer"}
    out = output(child)
    last = lambda words: (re.findall(re.escape(words) + r":? (.+)$", out, re.MULTILINE) or [None])[-1]
    cursor = re.findall(r"Using (hardware|software) cursor", out)
    return {**{key: last(words) for key, words in wanted.items()}, "cursor": cursor[-1] if cursor else None}


def platforms():
    """Mir's platform modules, e.g. graphics-gbm-kms.so.20."""
    return sorted(os.path.basename(p) for p in glob.glob("/usr/lib/*/mir/server-platform/*.so.*"))


def tests(child):
    """Results of Mir's own tests, kept by mir-tests.sh; `fresh`: they tested what is installed now."""
    if not os.path.exists(TESTS_RESULT + "/result"):
        return None
    rows = [(line + "  ").split(" ", 2) for line in read(TESTS_RESULT + "/result").splitlines()]
    fresh = output(child) == read(TESTS_RESULT + "/identity") + "\n"
    return {"fresh": fresh, **{name: {"code": int(code), "said": said.strip()} for name, code, said in rows}}


# --- signs of a frozen display ---

CARD = r"(qxl|virtio.gpu|bochs)"
# Messages of the kernel; by kind.
SIGNS = {
    "display driver": re.compile(CARD + r".*(\*ERROR\*|error|fail|timed? ?out)|\*ERROR\*.*" + CARD, re.IGNORECASE),
    "TTM": re.compile(r"\bTTM\b.*(error|fail)", re.IGNORECASE),
    "hung task": re.compile(r"task \S*mir\S*:\d+ blocked for more than"),
}
# Seconds between two looks at a thread in state D. Chosen, not measured: a disk answers sooner.
STUCK_S = 2
# Names of Mir's threads: those that draw, and those that hear clients (Mir's set_thread_name).
DRAWS, HEARS = "Mir/Comp", "Mir/Wayland"
# Wakes of the thread that hears clients after which a thread that draws must have drawn. Chosen, not measured: a
# client sends some messages for each frame, and our own probe a dozen in all.
BUSY = 40


def kernel_log():
    """The kernel's messages since the boot, without their headers."""
    messages = []
    log = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
    try:
        while True:
            try:
                record = os.read(log, 8192).decode(errors="replace")
            except BlockingIOError:
                return messages
            except BrokenPipeError:  # The oldest messages were overwritten meanwhile.
                continue
            messages.append(record.split(";", 1)[-1].split("\n", 1)[0])
    finally:
        os.close(log)


def log_signs(messages):
    """One line for each kind, which changes with every further message of it."""
    found = {kind: [m for m in messages if pattern.search(m)] for kind, pattern in SIGNS.items()}
    return [f"{kind}: {len(lines)} in the kernel's log, the last: {lines[-1][:160]}" for kind, lines in found.items() if lines]


def server_threads():
    """Threads of Mir's processes, of the session's unit, and of the server that a login starts: by thread, the fields of its status."""
    found = {}
    elsewhere = server_elsewhere()
    server = None if elsewhere is None else f"/proc/{elsewhere[0]}"
    for process in glob.glob("/proc/[0-9]*"):
        try:
            comm = read(process + "/comm")
            if not comm.startswith("mir") and process != server and UNITS[0] not in read(process + "/cgroup"):
                continue
            for path in glob.glob(process + "/task/[0-9]*/status"):
                found[path] = dict(line.split(":\t", 1) for line in read(path).splitlines() if ":\t" in line)
        except OSError:  # It has ended since the glob.
            continue
    return found


def waiting(threads):
    """Those in state D: by thread, the name, where it waits, and how often it was switched."""
    return {
        path: (status["Name"], read(path[:-len("status")] + "wchan"), status["voluntary_ctxt_switches"])
        for path, status in threads.items() if status["State"][0] == "D"
    }


def undrawn(before, after):
    """Servers that heard much from clients between two looks, and drew nothing: one line each."""
    heard, drew = {}, {}
    for path, status in after.items():
        count = int(status["voluntary_ctxt_switches"]) - int(before.get(path, status)["voluntary_ctxt_switches"])
        name, process = status["Name"], path.split("/")[2]
        if name.startswith(HEARS):
            heard[process] = heard.get(process, 0) + count
        if name.startswith(DRAWS):
            drew[process] = drew.get(process, 0) + count
    return [f"{DRAWS} of process {process} drew nothing, while its clients sent messages"
            for process in sorted(drew) if drew[process] == 0 and heard.get(process, 0) >= BUSY]


def signs(before):
    threads = server_threads()
    lines = log_signs(kernel_log()) + undrawn(before, threads)
    first = waiting(threads)
    if first:
        time.sleep(STUCK_S)
        again = waiting(server_threads())
        lines += sorted({f"{name} waits in the kernel ({where})" for path, (name, where, _) in first.items() if again.get(path) == first[path]})
    return lines


# --- the rest ---


def display_manager():
    """The running display manager, e.g. gdm.service: it holds the screen. None where a login starts the session."""
    if server_elsewhere() is not None:
        return None
    try:
        name = os.path.basename(os.readlink("/etc/systemd/system/display-manager.service"))
    except OSError:
        return None
    return name if os.path.exists("/sys/fs/cgroup/system.slice/" + name) else None


def share():
    rows = [line.split(" ") for line in read("/proc/self/mountinfo").splitlines()]
    after = lambda row: row[row.index("-") + 1:]
    return [{"dir": row[4], "tag": after(row)[1], "options": f"{row[5]} {after(row)[2]}"} for row in rows if after(row)[0] == "9p"]


def cloud_init():
    folder = "/run/cloud-init/"
    if not os.path.exists("/usr/bin/cloud-init") or os.path.exists(folder + "disabled"):
        return {"status": "absent", "errors": []}
    stages = json.loads(read(folder + "status.json"))["v1"]
    errors = [e for s in stages.values() if isinstance(s, dict) for e in s.get("errors") or []]
    ended = os.path.exists(folder + "result.json")
    return {"status": "running" if not ended else "error" if errors else "done", "errors": errors}


def main():
    journal = start_journal()
    children = {name: start(argv) for name, argv in PROGRAMS.items()}
    threads, card, server = server_threads(), start_egl(), start_wayland()
    # The slow probes last: they run while the files are read.
    ask = {
        "hostname": lambda: os.uname().nodename,
        "bootId": lambda: read("/proc/sys/kernel/random/boot_id"),
        "uptimeSeconds": lambda: float(read("/proc/uptime").split()[0]),
        "kernel": kernel,
        "avx": avx,
        "platforms": platforms,
        "share": share,
        "cloudInit": cloud_init,
        "displayManager": display_manager,
        "signs": lambda: signs(threads),
        "drm": drm,
        "wayland": lambda: wayland(server),
        "session": lambda: session(children["units"]),
        "packages": lambda: packages(children["packages"]),
        "tests": lambda: tests(children["tests"]),
        "mirLog": lambda: mir_log(journal),
        "egl": lambda: egl(card),
    }
    facts, errors = {"version": VERSION}, []
    for name, get in ask.items():
        try:
            facts[name] = get()
        except Exception as error:
            facts[name] = None
            errors.append({"fact": name, "message": str(error)[:500]})
    print(json.dumps({**facts, "errors": errors}, separators=(",", ":")))


main()
