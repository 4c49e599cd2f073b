package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// How long a child may take to end after SIGTERM, before SIGKILL.
const graceAfterSignal = 5 * time.Second

// sdkPackage is the Pulumi SDK; its cmd directory holds the entry points that load programs.
const sdkPackage = "@pulumi/pulumi"

// findNode searches PATH at every call, so that a changed PATH counts.
func findNode() (string, error) {
	path, err := exec.LookPath("node")
	if err != nil {
		return "", errors.New("node: found none on PATH; need Node.js 20 or newer; fix: install it (Debian: apt-get install nodejs npm)")
	}
	return path, nil
}

// findModuleRoot returns the nearest directory at or above dir whose node_modules holds the package, as Node
// itself searches.
func findModuleRoot(dir, name string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for at := abs; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "node_modules", name, "package.json")); err == nil {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("%s: found none in node_modules of %s or above; need it; fix: run npm ci there", name, abs)
		}
	}
}

// sdkEntryPoint is the script of the SDK that loads a program, a plugin or a policy pack.
func sdkEntryPoint(dir, entry string) (string, error) {
	root, err := findModuleRoot(dir, sdkPackage)
	if err != nil {
		return "", err
	}
	path := filepath.Join(root, "node_modules", sdkPackage, "cmd", entry)
	if _, err := os.Stat(path); err != nil {
		// The engine matches "Cannot find module" to explain a policy pack without dependencies.
		return "", fmt.Errorf("Cannot find module '%s/cmd/%s': found %w; need the installed SDK; fix: run npm ci in %s", sdkPackage, entry, err, root)
	}
	return path, nil
}

// command prepares a child process. When ctx ends it gets SIGTERM, and after a grace period SIGKILL; when this
// process dies it gets SIGKILL.
func command(ctx context.Context, dir, bin string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, bin, args...)
	cmd.Dir = dir
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = graceAfterSignal
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// onOneThread keeps the goroutine on its thread while work runs: Linux sends the parent-death signal when the
// thread that started the child ends, even if the process goes on.
func onOneThread(work func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return work()
}
