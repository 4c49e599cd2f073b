#!/usr/bin/env python3
"""Every fact the lab reads from a guest, as one JSON object on one line.

Runs in the guest, as root: the journal and other processes' maps need it. It changes nothing. A
fact that cannot be had is null, with a line of why in "errors"; the rest is still told. The other
side of this file is components/guest/facts.ts: a change of what is told is a new VERSION.

Most of the time is other programs' and Mesa's: they are started first, and answer while this
process reads files.
"""
import array
import fcntl
import glob
import json
import os
import re
import signal
import socket
import struct
import subprocess
import time

VERSION = 2
UNITS = ("mir-session.service", "mir-session-client.service")
# Which session is there, written by session.sh: where its server is not the unit's own process.
SESSION_FILE = "/etc/mir-session/session.json"
CLIENT_FILE = "/etc/mir-session/client"
DEFAULT_CLIENT = b"/usr/local/lib/mir-session/banner"
TESTS = "/usr/local/lib/mir-session/tests"
TESTS_RESULT = "/var/lib/mir-session/tests"
PACKAGES = ["libegl-mesa0", "libgl1-mesa-dri", "libgbm1", "mir-test-tools", "mir-platform-graphics-gbm-kms"]
OPTIONS = ["DRM_QXL", "NET_9P_VIRTIO"]
LIMIT_S = 60

PROGRAMS = {
    "units": ["systemctl", "show", *UNITS, "-p", "Id,LoadState,ActiveState,Job,NRestarts,MainPID,Result,"
              "ActiveEnterTimestampMonotonic"],
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


def start_work(work):
    """Runs a function of ours in a process of its own, beside this one."""
    receiver, sender = os.pipe()
    child = os.fork()
    if child != 0:
        os.close(sender)
        return child, receiver
    try:
        signal.alarm(LIMIT_S)
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 1), os.dup2(null, 2)
        told = {"value": work()}
    except BaseException as error:
        told = {"error": str(error)}
    # More than a pipe holds waits for its reader.
    with os.fdopen(sender, "w") as file:
        file.write(json.dumps(told))
    os._exit(0)


def result(started, culprit):
    child, receiver = started
    with os.fdopen(receiver) as file:
        told = file.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if told == "":
        raise RuntimeError(f"{culprit} ended the asking process, status {status}")
    told = json.loads(told)
    if "error" in told:
        raise RuntimeError(told["error"])
    return told["value"]


def server_elsewhere():
    """Where a login starts the server: the pid of the server, or 0, and its log's match. Else None."""
    if not os.path.exists(SESSION_FILE):
        return None
    told = json.loads(read(SESSION_FILE))
    if told["process"] is None:
        return None
    pids = []
    for path in glob.glob("/proc/[0-9]*/comm"):
        try:
            if read(path) == told["process"]:
                pids.append(int(path.split("/")[2]))
        except OSError:  # It has ended meanwhile.
            continue
    return max(pids, default=0), told["log"]


def start_journal():
    elsewhere = server_elsewhere()
    if elsewhere is not None:
        pid, match = elsewhere
        return start(["journalctl", "-b", "-o", "cat", "--no-pager", match, f"_PID={pid}"]) if pid else None
    # Of the session that runs: an older one may have selected something else.
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
    # By find: in an emulated guest a pattern takes a second for these 260 kB.
    value = lambda option: text[at + len(option) + 9:][:1] if (at := text.find(f"\nCONFIG_{option}=")) >= 0 else "n"
    return {"running": running, "build": os.uname().version, "newestInstalled": max(installed, key=order, default=None),
            "config": text and {option: value(option) for option in OPTIONS}}


def packages(child):
    lines = [line.split(" ") for line in output(child, ok=(0, 1)).splitlines()]
    found = {line[0]: line[2] for line in lines if len(line) == 3 and line[1] == "installed"}
    return {name: found.get(name) for name in PACKAGES}


# Linux: include/uapi/drm/drm.h and drm_mode.h
DROP_MASTER, GET_CAP, GET_RESOURCES = 0x641F, 0xC010640C, 0xC04064A0
CAP_PRIME, PRIME_IMPORT, PRIME_EXPORT = 5, 1, 2


def open_card(node):
    """Opens a card without keeping it from Mir: whoever opens a free one is its master."""
    card = os.open(node, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.ioctl(card, DROP_MASTER)
    except OSError:
        pass  # Mir is its master.
    return card


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


def probe_egl(node):
    """Asks Mesa itself, on the KMS device and by GBM as Mir does, what draws."""
    import ctypes
    from ctypes import byref, c_char_p, c_int, c_void_p

    card = open_card(node)
    egl, gles, gbm = (ctypes.CDLL(n) for n in ("libEGL.so.1", "libGLESv2.so.2", "libgbm.so.1"))
    gbm.gbm_create_device.restype = egl.eglGetProcAddress.restype = egl.eglCreateContext.restype = c_void_p
    egl.eglQueryString.restype = gles.glGetString.restype = c_char_p
    egl.eglQueryString.argtypes = [c_void_p, c_int]
    egl.eglInitialize.argtypes = [c_void_p, c_void_p, c_void_p]
    egl.eglChooseConfig.argtypes = [c_void_p, c_void_p, c_void_p, c_int, c_void_p]
    egl.eglCreateContext.argtypes = egl.eglMakeCurrent.argtypes = [c_void_p] * 4

    def need(value, what):
        if not value:
            raise RuntimeError(f"{what} failed with EGL error {egl.eglGetError():#x}")
        return value

    def extension(name, result, *args):
        return ctypes.CFUNCTYPE(result, *args)(need(egl.eglGetProcAddress(name), name.decode()))

    device = need(gbm.gbm_create_device(card), "gbm_create_device")
    get_display = extension(b"eglGetPlatformDisplayEXT", c_void_p, c_int, c_void_p, c_void_p)
    display = need(get_display(0x31D7, device, None), "eglGetPlatformDisplay")  # EGL_PLATFORM_GBM
    need(egl.eglInitialize(display, None, None), "eglInitialize")
    extensions = egl.eglQueryString(display, 0x3055).decode()
    driver = None
    if "EGL_MESA_query_driver" in extensions:
        driver = extension(b"eglGetDisplayDriverName", c_char_p, c_void_p)(display).decode()
    need(egl.eglBindAPI(0x30A0), "eglBindAPI")  # EGL_OPENGL_ES_API
    config, count = c_void_p(), c_int()
    wanted = (c_int * 3)(0x3040, 0x0004, 0x3038)  # EGL_RENDERABLE_TYPE, EGL_OPENGL_ES2_BIT, EGL_NONE
    need(egl.eglChooseConfig(display, wanted, byref(config), 1, byref(count)) and count.value, "eglChooseConfig")
    version = (c_int * 3)(0x3098, 2, 0x3038)  # EGL_CONTEXT_CLIENT_VERSION 2
    context = need(egl.eglCreateContext(display, config, None, version), "eglCreateContext")
    need(egl.eglMakeCurrent(display, None, None, context), "eglMakeCurrent")
    text = lambda name: gles.glGetString(name).decode()
    return {"device": node, "driver": driver, "renderer": text(0x1F01), "glesVersion": text(0x1F02)}


def start_egl():
    """In a process of its own: a driver that crashes must not take the other facts with it."""
    nodes = sorted(glob.glob("/dev/dri/card*"))
    if not nodes:
        return None
    os.environ["MESA_SHADER_CACHE_DISABLE"] = "true"  # It would write files.
    return start_work(lambda: probe_egl(nodes[0]))


def egl(started):
    if started is None:
        raise RuntimeError("found no /dev/dri/card*, required a KMS device")
    return result(started, "the driver")


# --- session ---


def session(child):
    shown = [dict(l.split("=", 1) for l in block.splitlines()) for block in output(child).strip().split("\n\n")]
    unit, client = shown
    if unit["LoadState"] not in ("loaded", "masked"):
        raise RuntimeError(f"found no unit {UNITS[0]}, required installed")
    elsewhere = server_elsewhere()
    pid = int(unit["MainPID"]) if elsewhere is None else elsewhere[0]
    since = int(unit["ActiveEnterTimestampMonotonic"]) / 1e6
    active = unit["ActiveState"] == "active"
    return {"loadState": unit["LoadState"], "activeState": unit["ActiveState"], "queued": unit.get("Job", "") not in ("", "0"),
            "restarts": int(unit["NRestarts"]), "result": unit["Result"],
            "activeSeconds": round(time.monotonic() - since, 1) if active else None,
            "client": client_kind(), "clientState": client["ActiveState"], "libraries": libraries(pid) if pid else []}


def client_kind():
    """What is to show in the session: nothing, our own banner, or something that was configured."""
    if not os.path.exists(CLIENT_FILE):
        return "none"
    with open(CLIENT_FILE, "rb") as file:
        argv = file.read().rstrip(b"\0").split(b"\0")
    return "default" if argv[-1] == DEFAULT_CLIENT else "configured"


def libraries(pid):
    """Files of Mesa and Mir that the server has mapped; one that was replaced since ends in (deleted)."""
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
    return {key: last(words) for key, words in wanted.items()}


def platforms():
    """Mir's platform modules, e.g. graphics-gbm-kms.so.20."""
    return sorted(os.path.basename(p) for p in glob.glob("/usr/lib/*/mir/server-platform/*.so.*"))


def tests(child):
    """Results of Mir's own tests, kept by mir-tests.sh; `fresh`: what was tested is what is there."""
    if not os.path.exists(TESTS_RESULT + "/result"):
        return None
    rows = [(line + "  ").split(" ", 2) for line in read(TESTS_RESULT + "/result").splitlines()]
    fresh = output(child) == read(TESTS_RESULT + "/identity") + "\n"
    return {"fresh": fresh, **{name: {"code": int(code), "said": said.strip()} for name, code, said in rows}}


WL_DISPLAY, WL_REGISTRY = 1, 2


def start_wayland():
    sockets = [p for p in sorted(glob.glob("/run/mir-session/wayland-*") + glob.glob("/run/user/*/wayland-*"))
               if not p.endswith(".lock")]
    return start_work(lambda: ask_as_owner(sockets[0])) if sockets else None


def wayland(started):
    if started is None:
        raise RuntimeError("found no Wayland socket, required /run/mir-session/wayland-0")
    return result(started, "a signal")


def ask_as_owner(path):
    """As the account whose server it is. Lomiri (QtMir 0.8) crashes when a client is root's, whom it cannot look up in /proc."""
    owner = os.stat(path)
    if owner.st_uid != 0:
        import ctypes
        os.setgroups([])
        os.setresgid(*[owner.st_gid] * 3)
        os.setresuid(*[owner.st_uid] * 3)
        ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE: else /proc goes on to call it root's.
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(path)
        return {"socket": path, **ask_compositor(client)}


def ask_compositor(client):
    """A Wayland client of the smallest kind: asks what there is, and which windows are shown."""
    words = lambda *values: struct.pack(f"={len(values)}I", *values)
    string = lambda text: words(len(text) + 1) + text + b"\0" * (4 - len(text) % 4)
    request = lambda target, opcode, body: client.sendall(words(target, (len(body) + 8) << 16 | opcode) + body)
    text = lambda body, at: body[at + 4:at + 3 + struct.unpack_from("=I", body, at)[0]].decode(errors="replace")
    manager = b"zwlr_foreign_toplevel_manager_v1"
    found, windows, buffer = {}, {}, b""

    def events(until):
        nonlocal buffer
        while True:
            while len(buffer) >= 8 and len(buffer) >= struct.unpack_from("=I", buffer, 4)[0] >> 16:
                target, head = struct.unpack_from("=2I", buffer)
                body, buffer = buffer[8:head >> 16], buffer[head >> 16:]
                if target == WL_DISPLAY and head & 0xFFFF == 0:
                    raise RuntimeError("the Wayland server says: " + text(body, 8))
                if target == until:
                    return
                yield target, head & 0xFFFF, body
            data = client.recv(65536)
            if data == b"" or len(buffer) > 1 << 20:
                raise RuntimeError("the Wayland server closed the connection" if data == b"" else "the Wayland server floods")
            buffer += data

    request(WL_DISPLAY, 1, words(WL_REGISTRY))  # get_registry
    request(WL_DISPLAY, 0, words(3))  # sync
    for target, opcode, body in events(until=3):
        if target == WL_REGISTRY and opcode == 0:
            found[text(body, 4)] = struct.unpack_from("=I", body)[0]
    if manager.decode() not in found:
        return {"globals": sorted(found), "windows": None}
    request(WL_REGISTRY, 0, words(found[manager.decode()]) + string(manager) + words(1, 4))  # bind
    request(WL_DISPLAY, 0, words(5))
    for target, opcode, body in events(until=5):
        if target == 4 and opcode == 0:
            windows[struct.unpack_from("=I", body)[0]] = ""
        elif target in windows and opcode == 0:
            windows[target] = text(body, 0)
    return {"globals": sorted(found), "windows": sorted(windows.values())}


# --- the rest ---


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
    card, server = start_egl(), start_wayland()
    # The slow ones last: they answer meanwhile.
    ask = {
        "hostname": lambda: os.uname().nodename,
        "bootId": lambda: read("/proc/sys/kernel/random/boot_id"),
        "uptimeSeconds": lambda: float(read("/proc/uptime").split()[0]),
        "kernel": kernel,
        "platforms": platforms,
        "share": share,
        "cloudInit": cloud_init,
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
