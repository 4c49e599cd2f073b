package remote

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"golang.org/x/crypto/ssh"

	"mirlab/toolchain/command/internal/output"
)

const (
	// keepaliveEvery and keepaliveLimit detect a host that has vanished: without
	// them the wait for its command would never end.
	keepaliveEvery = 30 * time.Second
	keepaliveLimit = 3 * time.Minute
)

// execute runs one command on the host. A failure does not quote the command,
// which may hold secrets.
func execute(
	ctx context.Context, what, command string, in CommandInputs, previous BaseOutputs,
) (BaseOutputs, error) {
	host, err := in.Connection.dial(ctx)
	if err != nil {
		return BaseOutputs{}, fmt.Errorf("%s: %w", what, err)
	}
	defer func() { _ = host.Close() }()
	stop := keepalive(host)
	defer stop()
	session, err := host.NewSession()
	if err != nil {
		return BaseOutputs{}, fmt.Errorf("%s: found no session: %w; need one; fix: see the server's log", what, err)
	}
	defer func() { _ = session.Close() }()
	setEnvironment(ctx, session, in, previous)
	if in.Stdin != nil && *in.Stdin != "" {
		session.Stdin = strings.NewReader(*in.Stdin)
	}
	capture := output.New(ctx, in.Logging.setting())
	session.Stdout, session.Stderr = capture.Stdout(), capture.Stderr()
	err = run(ctx, host, session, command)
	stdout, stderr := capture.Finish()
	var missing *ssh.ExitMissingError
	if errors.As(err, &missing) {
		return BaseOutputs{}, fmt.Errorf("%s on %s: found that the connection ended while the command ran; "+
			"need a connection that lasts until the command ends; "+
			"fix: check that this host still runs, and run 'up' again; output of the command:\n%s",
			what, in.Connection.Host, capture.Shown())
	}
	if err != nil {
		return BaseOutputs{}, fmt.Errorf("%s on %s: found %w; need exit status 0; fix: see its output:\n%s",
			what, in.Connection.Host, err, capture.Shown())
	}
	return BaseOutputs{Stdout: stdout, Stderr: stderr}, nil
}

// setEnvironment requests each variable. A server refuses those that its
// AcceptEnv does not name.
func setEnvironment(ctx context.Context, session *ssh.Session, in CommandInputs, previous BaseOutputs) {
	logger := p.GetLogger(ctx)
	if in.AddPreviousOutputInEnv == nil || *in.AddPreviousOutputInEnv {
		values, skipped := output.Previous(previous.Stdout, previous.Stderr)
		for name, value := range values {
			if session.Setenv(name, value) != nil {
				skipped = append(skipped, name)
			}
		}
		if len(skipped) > 0 {
			logger.Debugf("previous output not passed: %s", strings.Join(skipped, ", "))
		}
	}
	if in.Environment == nil {
		return
	}
	for name, value := range *in.Environment {
		if err := session.Setenv(name, value); err != nil {
			logger.Warningf("environment: found %s refused by the server; need AcceptEnv %s in its sshd_config; "+
				"fix: set AcceptEnv, or pass the value by stdin", name, name)
		}
	}
}

// keepalive closes the connection when the host no longer answers.
func keepalive(host *client) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		tick := time.NewTicker(keepaliveEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			timer := time.AfterFunc(keepaliveLimit, func() { _ = host.Close() })
			_, _, err := host.SendRequest("keepalive@openssh.com", true, nil)
			timer.Stop()
			if err != nil {
				return
			}
		}
	}()
	return cancel
}
