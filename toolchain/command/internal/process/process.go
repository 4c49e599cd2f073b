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

// Grace is the time between SIGINT and SIGKILL to a group.
var Grace = 10 * time.Second

// afterKill limits the wait for the output of a killed group: a process that has
// left the group may hold the pipe open for ever.
const afterKill = 2 * time.Second

// Run starts the command and waits for it. Its error is that of the ended
// context, or the command's own.
func Run(ctx context.Context, cmd *exec.Cmd) error {
	if err := context.Cause(ctx); err != nil {
		return fmt.Errorf("not started: %w", err)
	}
	// Its own group: one signal then reaches the shell and all its children.
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

// end stops the group and returns the signal that ended it.
func end(group int, done <-chan error) string {
	_ = syscall.Kill(group, syscall.SIGINT)
	deadline := time.After(Grace)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			// Wait for the group, not for its leader: children may still run.
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
