// Package process runs a child in its own process group and ends the whole
// group when the context ends.
package process

import (
	"context"
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// Grace is how long a group may take to end after SIGINT before SIGKILL.
var Grace = 10 * time.Second

// afterKill is how long to wait for the output of a killed group. A process
// that left the group may hold the pipe open for ever.
const afterKill = 2 * time.Second

// Run starts the command and waits for it. The error of an ended context says
// so; any other error is the command's own.
func Run(ctx context.Context, cmd *exec.Cmd) error {
	if err := context.Cause(ctx); err != nil {
		return fmt.Errorf("not started: %w", err)
	}
	// An own group, so that one signal reaches the shell and all it started.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	group := -cmd.Process.Pid
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	how := end(group, done)
	return fmt.Errorf("ended by %s: %w", how, context.Cause(ctx))
}

// end stops the group and says which signal it took.
func end(group int, done <-chan error) string {
	_ = syscall.Kill(group, syscall.SIGINT)
	deadline := time.After(Grace)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			// Waiting for the group, not for its leader: children may still run.
			if syscall.Kill(group, 0) == syscall.ESRCH {
				await(done)
				return "SIGINT"
			}
		case <-deadline:
			_ = syscall.Kill(group, syscall.SIGKILL)
			await(done)
			return "SIGKILL"
		}
	}
}

func await(done <-chan error) {
	select {
	case <-done:
	case <-time.After(afterKill):
	}
}
