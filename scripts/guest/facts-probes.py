"""Probes that run beside facts.py in a process of their own: a driver that crashes, or a compositor
that hangs, costs only its own fact. A library of functions: its text comes before that of facts.py
(core/link.io.ts).
"""
import fcntl
import glob
import json
import os
import signal
import socket
import struct

LIMIT_S = 60


def start_work(work):
    """Starts a function in a process of its own, beside this one."""
    receiver, sender = os.pipe()
    child = os.fork()
    if child != 0:
        os.close(sender)
        return child, receiver
    try:
        signal.alarm(LIMIT_S)
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 1), os.dup2(null, 2)
        answer = {"value": work()}
    except BaseException as error:
        answer = {"error": str(error)}
    # An answer longer than a pipe holds blocks here until the parent reads it.
    with os.fdopen(sender, "w") as file:
        file.write(json.dumps(answer))
    os._exit(0)


def result(started, culprit):
    child, receiver = started
    with os.fdopen(receiver) as file:
        text = file.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if text == "":
        raise RuntimeError(f"{culprit} ended the asking process, status {status}")
    answer = json.loads(text)
    if "error" in answer:
        raise RuntimeError(answer["error"])
    return answer["value"]


# --- EGL, by a DRM card ---

# Linux: include/uapi/drm/drm.h
DROP_MASTER = 0x641F


def open_card(node):
    """Opens a card and gives up DRM master: opening a free card takes it, and then Mir could not."""
    card = os.open(node, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.ioctl(card, DROP_MASTER)
    except OSError:
        pass  # Mir is its master already.
    return card


def probe_egl(node):
    """Asks Mesa which renderer it uses on the KMS device, by GBM as Mir does."""
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
    nodes = sorted(glob.glob("/dev/dri/card*"))
    if not nodes:
        return None
    os.environ["MESA_SHADER_CACHE_DISABLE"] = "true"  # It would write files.
    return start_work(lambda: probe_egl(nodes[0]))


def egl(started):
    if started is None:
        raise RuntimeError("found no /dev/dri/card*; need a KMS device")
    return result(started, "the driver")


# --- Wayland ---

WL_DISPLAY, WL_REGISTRY = 1, 2


def start_wayland():
    sockets = [p for p in sorted(glob.glob("/run/mir-session/wayland-*") + glob.glob("/run/user/*/wayland-*"))
               if not p.endswith(".lock")]
    return start_work(lambda: ask_as_owner(sockets[0])) if sockets else None


def wayland(started):
    if started is None:
        raise RuntimeError("found no Wayland socket; need /run/mir-session/wayland-0")
    return result(started, "a signal")


def ask_as_owner(path):
    """Connects as the socket's owner: Lomiri (QtMir 0.8) crashes on a client of root, which it cannot look up in /proc."""
    owner = os.stat(path)
    if owner.st_uid != 0:
        import ctypes
        os.setgroups([])
        os.setresgid(*[owner.st_gid] * 3)
        os.setresuid(*[owner.st_uid] * 3)
        ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE: else /proc still shows root as its owner.
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(path)
        return {"socket": path, **ask_compositor(client)}


def ask_compositor(client):
    """A minimal Wayland client: lists the compositor's globals and the titles of its windows."""
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
