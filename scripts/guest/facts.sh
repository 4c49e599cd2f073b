#!/usr/bin/env bash
# Every fact the lab reads from a guest, as one JSON object on one line. Runs in the guest, as
# root (the journal and other processes' maps need it). It changes nothing.
#   facts.sh [SHARE_TAG]
# A fact that cannot be had is null, with a line of why in "errors"; the rest is still told.
set -euo pipefail

command -v python3 >/dev/null || {
  printf '%s\n' "facts: found no python3, required to tell facts as JSON; install package python3 in the guest" >&2
  exit 1
}
exec python3 -I -S - "$@" <<'PYTHON'
import glob
import json
import os
import re
import subprocess
import sys
import threading

ERRORS = []
PACKAGES = ["libegl-mesa0", "libgl1-mesa-dri", "libgbm1", "mir-test-tools", "mir-platform-graphics-gbm-kms"]

# Asks Mesa itself, on the KMS device and by GBM as Mir does, what draws. In a process of its
# own: a driver that crashes must not take the other facts with it.
EGL_PROBE = r"""
import ctypes, json, os, sys
from ctypes import c_char_p, c_int, c_void_p, byref
egl, gles, gbm = (ctypes.CDLL(n) for n in ("libEGL.so.1", "libGLESv2.so.2", "libgbm.so.1"))
gbm.gbm_create_device.restype = c_void_p
egl.eglGetProcAddress.restype = c_void_p
egl.eglQueryString.restype = c_char_p
egl.eglQueryString.argtypes = [c_void_p, c_int]
egl.eglInitialize.argtypes = [c_void_p, c_void_p, c_void_p]
egl.eglChooseConfig.argtypes = [c_void_p, c_void_p, c_void_p, c_int, c_void_p]
egl.eglCreateContext.restype = c_void_p
egl.eglCreateContext.argtypes = [c_void_p] * 4
egl.eglMakeCurrent.argtypes = [c_void_p] * 4
gles.glGetString.restype = c_char_p
def need(value, what):
    if not value:
        sys.exit(what + " failed with EGL error " + hex(egl.eglGetError()))
    return value
def extension(name, result, *args):
    address = need(egl.eglGetProcAddress(name), name.decode())
    return ctypes.CFUNCTYPE(result, *args)(address)
device = need(gbm.gbm_create_device(os.open(sys.argv[1], os.O_RDWR | os.O_CLOEXEC)), "gbm_create_device")
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
print(json.dumps({"platform": "gbm", "device": sys.argv[1], "driver": driver, "vendor": text(0x1F00),
    "renderer": text(0x1F01), "glesVersion": text(0x1F02), "eglVersion": egl.eglQueryString(display, 0x3054).decode(),
    "dmaBufImport": "EGL_EXT_image_dma_buf_import" in extensions}))
"""


def run(*argv, ok=(0,)):
    done = subprocess.run(argv, capture_output=True, text=True, errors="replace", timeout=60,
                          env={**os.environ, "LC_ALL": "C"})
    if done.returncode not in ok:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        raise RuntimeError(f"{argv[0]} ended with {done.returncode}: {last}")
    return done.stdout


def read(path):
    with open(path, errors="replace") as file:
        return file.read().strip()


def link_name(path):
    return os.path.basename(os.readlink(path)) if os.path.islink(path) else None


def kernel():
    installed = [os.path.basename(p)[len("vmlinuz-"):] for p in glob.glob("/boot/vmlinuz-*")]
    order = lambda v: [(int(n), "") if n else (-1, w) for n, w in re.findall(r"(\d+)|([^\d]+)", v)]
    return {"running": os.uname().release, "build": os.uname().version,
            "newestInstalled": max(installed, key=order) if installed else None}


def packages():
    out = run("dpkg-query", "-W", "-f", "${Package} ${db:Status-Status} ${Version}\\n", *PACKAGES, ok=(0, 1))
    found = {name: version for name, state, version in (l.split(" ") for l in out.splitlines() if l.count(" ") == 2)
             if state == "installed"}
    return {name: found.get(name) for name in PACKAGES}


def drm():
    cards = []
    for card in sorted(glob.glob("/sys/class/drm/card[0-9]*")):
        name = os.path.basename(card)
        if "-" in name:
            continue
        ids = [read(f"{card}/device/{f}")[2:] if os.path.exists(f"{card}/device/{f}") else None for f in ("vendor", "device")]
        connectors = [{"name": os.path.basename(c)[len(name) + 1:], "status": read(f"{c}/status"),
                       "modes": len(read(f"{c}/modes").splitlines())} for c in sorted(glob.glob(f"{card}/{name}-*"))]
        cards.append({"name": name, "node": f"/dev/dri/{name}", "driver": link_name(f"{card}/device/driver"),
                      "pciId": ":".join(ids) if all(ids) else None, "connectors": connectors})
    return cards


def egl():
    nodes = sorted(glob.glob("/dev/dri/card*"))
    if not nodes:
        raise RuntimeError("found no /dev/dri/card*, required a KMS device")
    return json.loads(run(sys.executable, "-I", "-S", "-c", EGL_PROBE, nodes[0]))


def session():
    names = ["LoadState", "ActiveState", "SubState", "NRestarts", "ExecMainPID", "ExecMainStatus", "Result"]
    out = dict(l.split("=", 1) for l in run("systemctl", "show", "mir-session.service", "-p", ",".join(names)).splitlines())
    if out.get("LoadState") != "loaded":
        raise RuntimeError("found no unit mir-session.service, required installed")
    pid = int(out["ExecMainPID"]) if out["ActiveState"] == "active" else 0
    return {"activeState": out["ActiveState"], "subState": out["SubState"], "restarts": int(out["NRestarts"]),
            "result": out["Result"], "pid": pid or None, "libraries": libraries(pid) if pid else []}


def libraries(pid):
    wanted = re.compile(r"/(lib(EGL|GL|gbm|gallium|LLVM|mirserver|mirplatform)[^/]*|[^/]*_dri|[^/]*gbm-kms)\.so[^/]*$")
    paths = {l.split(None, 5)[5] for l in read(f"/proc/{pid}/maps").splitlines() if l.count(" ") > 5 and "/" in l}
    return sorted(p for p in paths if wanted.search(p))


def mir_log():
    wanted = {"displayDriver": "Selected display driver", "renderingDriver": "Selected rendering driver",
              "glRenderer": "GL renderer", "glVersion": "GL version", "eglVendor": "EGL vendor", "drmDevice": "Using DRM device"}
    out = run("journalctl", "-u", "mir-session", "-b", "-o", "cat", "--no-pager")
    found = {}
    for key, words in wanted.items():
        lines = re.findall(re.escape(words) + r":? (.+)$", out, re.MULTILINE)
        found[key] = lines[-1].strip() if lines else None
    return found


def share():
    out = run("findmnt", "--json", "-t", "9p", "-o", "TARGET,SOURCE,FSTYPE,OPTIONS", ok=(0, 1))
    mounts = json.loads(out)["filesystems"] if out.strip() else []
    return [{"dir": m["target"], "tag": m["source"], "options": m["options"]} for m in mounts
            if len(sys.argv) < 2 or m["source"] == sys.argv[1]]


def cloud_init():
    status = json.loads(read("/run/cloud-init/status.json"))["v1"]
    errors = [e for s in status.values() if isinstance(s, dict) for e in s.get("errors") or []]
    ended = os.path.exists("/run/cloud-init/result.json")
    return {"status": "running" if not ended else "error" if errors else "done",
            "datasource": status.get("datasource"), "errors": errors}


FACTS = {
    "kernel": kernel,
    "packages": packages,
    "drm": drm,
    "egl": egl,
    "session": session,
    "mirLog": mir_log,
    "share": share,
    "cloudInit": cloud_init,
    "hostname": lambda: os.uname().nodename,
    "bootId": lambda: read("/proc/sys/kernel/random/boot_id"),
    "uptimeSeconds": lambda: float(read("/proc/uptime").split()[0]),
}


def main():
    facts = {"version": 1, **dict.fromkeys(FACTS)}

    def get(name):
        try:
            facts[name] = FACTS[name]()
        except Exception as error:
            ERRORS.append({"fact": name, "message": str(error)[:500]})

    # Most of the time goes to other programs: let them run beside each other.
    threads = [threading.Thread(target=get, args=(name,)) for name in FACTS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    facts["errors"] = sorted(ERRORS, key=lambda e: e["fact"])
    print(json.dumps(facts, ensure_ascii=True, separators=(",", ":")))


main()
PYTHON
