// Package output captures a command's output: in full for the resource's
// outputs, line by line for the engine's log, and a tail for a failure.
package output

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"

	p "github.com/pulumi/pulumi-go-provider"
)

// Logging selects the streams that may be shown. The values are part of the
// schema.
type Logging string

// The published values.
const (
	Stdout          Logging = "stdout"
	Stderr          Logging = "stderr"
	StdoutAndStderr Logging = "stdoutAndStderr"
	None            Logging = "none"
)

const (
	// tailLimit bounds the output quoted in a failure; the rest was logged.
	tailLimit = 64 << 10
	// lineLimit bounds one log message, so a stream without newlines still shows.
	lineLimit = 64 << 10
)

// Capture collects both streams of one command. Its methods are safe for use
// from several goroutines: a command may outlive the wait for it.
type Capture struct {
	mu      sync.Mutex
	log     func(string)
	logging Logging
	stdout  stream
	stderr  stream
	tail    []byte
	cut     bool
}

type stream struct {
	all  bytes.Buffer
	line []byte
}

// New starts a capture. An empty logging means both streams.
func New(ctx context.Context, logging Logging) *Capture {
	if logging == "" {
		logging = StdoutAndStderr
	}
	// The last output of a cancelled command must still reach the log.
	logger := p.GetLogger(context.WithoutCancel(ctx))
	return &Capture{log: logger.Info, logging: logging}
}

// Stdout returns the writer for the command's standard output.
func (c *Capture) Stdout() io.Writer { return writer{c, &c.stdout, c.shows(Stdout)} }

// Stderr returns the writer for the command's standard error.
func (c *Capture) Stderr() io.Writer { return writer{c, &c.stderr, c.shows(Stderr)} }

func (c *Capture) shows(one Logging) bool {
	return c.logging == StdoutAndStderr || c.logging == one
}

type writer struct {
	capture *Capture
	stream  *stream
	shown   bool
}

func (w writer) Write(data []byte) (int, error) {
	w.capture.mu.Lock()
	defer w.capture.mu.Unlock()
	w.stream.all.Write(data)
	if w.shown {
		w.capture.remember(data)
		w.capture.logLines(w.stream, data)
	}
	return len(data), nil
}

func (c *Capture) remember(data []byte) {
	c.tail = append(c.tail, data...)
	if over := len(c.tail) - tailLimit; over > 0 {
		c.tail = append([]byte(nil), c.tail[over:]...)
		c.cut = true
	}
}

func (c *Capture) logLines(s *stream, data []byte) {
	s.line = append(s.line, data...)
	for {
		end := bytes.IndexByte(s.line, '\n')
		switch {
		case end >= 0:
			c.log(text(s.line[:end]))
			s.line = s.line[end+1:]
		case len(s.line) >= lineLimit:
			c.log(text(s.line))
			s.line = nil
		default:
			return
		}
	}
}

// Finish logs lines without a newline, and returns both streams without their
// last newline.
func (c *Capture) Finish() (stdout, stderr string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range []*stream{&c.stdout, &c.stderr} {
		if len(s.line) > 0 {
			c.log(text(s.line))
			s.line = nil
		}
	}
	return strings.TrimSuffix(text(c.stdout.all.Bytes()), "\n"),
		strings.TrimSuffix(text(c.stderr.all.Bytes()), "\n")
}

// Shown returns the output that a failure may quote. Streams that the user keeps
// out of the log stay out of failures too: they may hold secrets.
func (c *Capture) Shown() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	shown := strings.TrimSuffix(text(c.tail), "\n")
	switch {
	case c.logging == None:
		return `(not shown: logging is "none")`
	case shown == "":
		return "(nothing)"
	case c.cut:
		return "(the start is in the log)\n" + shown
	default:
		return shown
	}
}

// text replaces invalid UTF-8, which the engine's protocol rejects.
func text(data []byte) string { return strings.ToValidUTF8(string(data), "\uFFFD") }
