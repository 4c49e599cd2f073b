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

// run waits for the command. If the context ends, it ends the command as far as
// the server allows.
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
	return fmt.Errorf("left there, perhaps still running: %w", context.Cause(ctx))
}

func ended(done <-chan error, within time.Duration) bool {
	select {
	case <-done:
		return true
	case <-time.After(within):
		return false
	}
}

// endGroup signals the connection's other process groups from a second session,
// because OpenSSH takes no signal requests when root has logged in. Only for
// OpenSSH: it has one parent process for each connection, so that the signal
// reaches no other connection's commands.
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
