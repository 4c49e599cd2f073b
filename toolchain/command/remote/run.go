package remote

import (
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"mirlab/toolchain/command/internal/process"
)

// signalPause is how long a signal request may take before endGroup is tried.
const signalPause = 300 * time.Millisecond

// run waits for the command. If the context ends it ends the command as far as
// the server lets a client do so.
func run(ctx context.Context, host *client, session *ssh.Session, command string) error {
	if err := session.Start(command); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- session.Wait() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	for _, signal := range []ssh.Signal{ssh.SIGINT, ssh.SIGKILL} {
		_ = session.Signal(signal)
		if ended(done, signalPause) {
			return fmt.Errorf("ended by SIG%s: %w", signal, context.Cause(ctx))
		}
		go endGroup(host, signal)
		if ended(done, process.Grace) {
			return fmt.Errorf("ended by SIG%s: %w", signal, context.Cause(ctx))
		}
	}
	return fmt.Errorf("left, and perhaps still running there: %w", context.Cause(ctx))
}

func ended(done <-chan error, within time.Duration) bool {
	select {
	case <-done:
		return true
	case <-time.After(within):
		return false
	}
}

// endGroup signals the connection's other process groups from a second
// session, because OpenSSH takes no signal requests when root has logged in.
// Other servers are left alone: only OpenSSH is known to have one parent
// process for each connection, so that nobody else's commands are meant.
func endGroup(host *client, signal ssh.Signal) {
	if !strings.Contains(string(host.ServerVersion()), "OpenSSH") {
		return
	}
	session, err := host.NewSession()
	if err != nil {
		return
	}
	defer func() { _ = session.Close() }()
	_ = session.Run(`for p in $(ps -o pid= --ppid "$PPID"); do ` +
		`[ "$p" = "$$" ] || kill -s ` + string(signal) + ` -- "-$p"; done`)
}
