package remote

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"strconv"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"golang.org/x/crypto/ssh"
)

const (
	firstDelay = 100 * time.Millisecond
	lastDelay  = 5 * time.Second
)

// client is a logged-in connection, and that of the jump host if there is one.
type client struct {
	*ssh.Client
	proxy *ssh.Client
}

func (c *client) Close() error {
	err := c.Client.Close()
	if c.proxy != nil {
		err = errors.Join(err, c.proxy.Close())
	}
	return err
}

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// dial logs in, through the jump host if one is set.
func (c Connection) dial(ctx context.Context) (*client, error) {
	direct := new(net.Dialer).DialContext
	if c.Proxy == nil {
		host, err := c.login(ctx, "Dial", direct)
		if err != nil {
			return nil, err
		}
		return &client{Client: host}, nil
	}
	proxy, err := c.Proxy.login(ctx, "Dial proxy", direct)
	if err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	host, err := c.login(ctx, "Dial from proxy", proxy.DialContext)
	if err != nil {
		_ = proxy.Close()
		return nil, err
	}
	return &client{Client: host, proxy: proxy}, nil
}

// login dials until it is logged in or has failed too often.
func (e Endpoint) login(ctx context.Context, label string, dial dialFunc) (*ssh.Client, error) {
	address, err := e.address()
	if err != nil {
		return nil, err
	}
	limit := or(e.DialErrorLimit, defaultDialErrorLimit)
	delay := firstDelay
	for failed := 1; ; failed++ {
		host, err := e.attempt(ctx, address, dial)
		if err == nil {
			return host, nil
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("ssh to %s: ended after %d dials: %w", address, failed, context.Cause(ctx))
		}
		var refused *hostKeyRefused
		var invalid *inputError
		switch {
		case errors.As(err, &refused):
			return nil, refused
		case errors.As(err, &invalid):
			return nil, invalid
		}
		if limit >= 0 && failed > limit {
			return nil, fmt.Errorf("ssh to %s: found %w after %d failed dials; need a login; "+
				"fix: check host, port, user and key, or raise dialErrorLimit", address, err, failed)
		}
		p.GetLogger(ctx).InfoStatusf("%s %d/%s failed: retrying", label, failed, limitText(limit))
		select {
		case <-ctx.Done():
		case <-time.After(delay):
		}
		delay = min(delay*3/2, lastDelay)
	}
}

// inputError marks a fault of the inputs: no retry helps.
type inputError struct{ error }

// Unwrap is for errors.Is and errors.As.
func (i *inputError) Unwrap() error { return i.error }

func limitText(limit int) string {
	if limit < 0 {
		return "inf"
	}
	return strconv.Itoa(limit)
}

// attempt dials and logs in once. The timeout covers both: a server that accepts
// the connection and then stays silent must not hang the deployment.
func (e Endpoint) attempt(ctx context.Context, address string, dial dialFunc) (*ssh.Client, error) {
	if seconds := or(e.PerDialTimeout, defaultPerDialTimeout); seconds > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(seconds)*time.Second)
		defer cancel()
	}
	config := &ssh.ClientConfig{User: or(e.User, defaultUser)}
	if err := verifyHostKey(config, address, e.HostKey); err != nil {
		return nil, &inputError{err}
	}
	methods, done, err := e.auth()
	if err != nil {
		return nil, &inputError{err}
	}
	defer done()
	config.Auth = methods
	conn, err := dial(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	// Close is the only way to interrupt a handshake through a jump host: its
	// connections have no deadlines.
	disarm := context.AfterFunc(ctx, func() { _ = conn.Close() })
	session, channels, requests, err := ssh.NewClientConn(conn, address, config)
	if !disarm() {
		_ = conn.Close()
		return nil, fmt.Errorf("no login in time: %w", context.Cause(ctx))
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return ssh.NewClient(session, channels, requests), nil
}

func (e Endpoint) address() (string, error) {
	port := or(e.Port, defaultPort)
	if port != math.Trunc(port) || port < 1 || port > math.MaxUint16 {
		return "", fmt.Errorf("connection.port: found %v; need a whole number from 1 to %d; fix: set port",
			port, math.MaxUint16)
	}
	if e.Host == "" {
		return "", errors.New("connection.host: found nothing; need an address; fix: set host")
	}
	return net.JoinHostPort(e.Host, strconv.Itoa(int(port))), nil
}
