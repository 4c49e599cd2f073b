// Package remote runs commands on, and copies files to, other hosts over SSH.
package remote

import (
	"github.com/pulumi/pulumi-go-provider/infer"
)

const (
	defaultUser           = "root"
	defaultPort           = 22
	defaultDialErrorLimit = 10
	defaultPerDialTimeout = 15
)

// Endpoint has the common fields of a host and a jump host.
type Endpoint struct {
	User               *string  `pulumi:"user,optional"`
	Password           *string  `pulumi:"password,optional"`
	Host               string   `pulumi:"host"`
	Port               *float64 `pulumi:"port,optional"`
	PrivateKey         *string  `pulumi:"privateKey,optional"`
	PrivateKeyPassword *string  `pulumi:"privateKeyPassword,optional"`
	AgentSocketPath    *string  `pulumi:"agentSocketPath,optional"`
	DialErrorLimit     *int     `pulumi:"dialErrorLimit,optional"`
	PerDialTimeout     *int     `pulumi:"perDialTimeout,optional"`
	HostKey            *string  `pulumi:"hostKey,optional"`
}

// Annotate describes the fields and gives them their published defaults.
func (e *Endpoint) Annotate(a infer.Annotator) {
	a.Describe(&e.User, "Name to log in with.")
	a.SetDefault(&e.User, defaultUser)
	a.Describe(&e.Password, "Password to log in with.")
	a.Describe(&e.Host, "Address of the host.")
	a.Describe(&e.Port, "Port of the SSH server.")
	a.SetDefault(&e.Port, defaultPort)
	a.Describe(&e.PrivateKey, "Text of a private key to log in with, tried before the password.")
	a.Describe(&e.PrivateKeyPassword, "Passphrase of the private key.")
	a.Describe(&e.AgentSocketPath, "Socket of an SSH agent. By default SSH_AUTH_SOCK.")
	a.Describe(&e.DialErrorLimit, "Failed dials to allow; -1 for no limit.")
	a.SetDefault(&e.DialErrorLimit, defaultDialErrorLimit)
	a.Describe(&e.PerDialTimeout, "Seconds for one dial; 0 for no limit.")
	a.SetDefault(&e.PerDialTimeout, defaultPerDialTimeout)
	a.Describe(&e.HostKey, "Public key that the host must have. Unset, any key is accepted.")
}

// Connection is the published type command:remote:Connection.
type Connection struct {
	Endpoint
	Proxy *ProxyConnection `pulumi:"proxy,optional"`
}

// Annotate describes the type in the schema.
func (c *Connection) Annotate(a infer.Annotator) {
	a.Describe(&c, "How to reach a host.")
	c.Endpoint.Annotate(a)
	a.Describe(&c.Proxy, "Jump host to go through.")
}

// ProxyConnection is the published type command:remote:ProxyConnection.
type ProxyConnection struct {
	Endpoint
}

// Annotate describes the type in the schema.
func (c *ProxyConnection) Annotate(a infer.Annotator) {
	a.Describe(&c, "How to reach a jump host.")
	c.Endpoint.Annotate(a)
}

// or returns the pointer's value or the default: states written without the
// SDK's defaults have no value.
func or[T any](value *T, otherwise T) T {
	if value == nil {
		return otherwise
	}
	return *value
}
