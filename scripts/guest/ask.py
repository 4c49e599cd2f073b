"""Runs scripts in parallel, by one login and one start of Python: in an emulated guest each of these
takes longer than the scripts. Standard input: {NAME: TEXT}. Prints {NAME: {code, out, err}}.
"""
import base64, fnmatch, glob, hashlib, json, os, re, stat, struct, subprocess, sys, threading, time  # noqa


def start(name, text):
    if not name.endswith(".py"):
        child = subprocess.Popen(["bash", "-s"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return name, child.pid, child.stdout.fileno(), child.stderr.fileno(), child, text
    out, err = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.dup2(out[1], 1), os.dup2(err[1], 2)
            os.closerange(3, max(out + err) + 1)
            sys.argv = [name]
            exec(compile(text, name, "exec"), {"__name__": "__main__"})
            sys.stdout.flush()
            os._exit(0)
        except SystemExit as end:
            sys.stdout.flush()
            os._exit(end.code if isinstance(end.code, int) else 0 if end.code is None else 1)
        except BaseException as error:
            os.write(2, f"{name}: {type(error).__name__}: {error}\n".encode())
            os._exit(1)
    os.close(out[1]), os.close(err[1])
    return name, pid, out[0], err[0], None, text


def drain(fd, into):
    with open(fd, "rb", closefd=False) as file:
        into.append(file.read(1 << 22).decode(errors="replace"))


def main():
    answers = {}
    # Python first: forking after the threads have started is unsafe.
    scripts = sorted(json.load(sys.stdin).items(), key=lambda item: not item[0].endswith(".py"))
    sys.stdout.flush()
    started = [start(name, text) for name, text in scripts]
    for name, pid, out, err, child, text in started:
        kept, threads = ([], []), []
        for fd, into in ((out, kept[0]), (err, kept[1])):
            threads.append(threading.Thread(target=drain, args=(fd, into)))
            threads[-1].start()
        if child is not None:
            child.stdin.write(text.encode())
            child.stdin.close()
        for thread in threads:
            thread.join()
        status = child.wait() if child is not None else os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        answers[name] = {"code": status, "out": kept[0][0], "err": kept[1][0]}
    print(json.dumps(answers, separators=(",", ":")))


main()
