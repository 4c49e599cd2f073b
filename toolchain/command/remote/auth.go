package remote

import (
	"fmt"
	"net"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// auth returns the login methods in order, and a function to call when the
// connection no longer needs them. It uses an agent only without a private key:
// the library tries each kind of login once, and an agent's many keys would use
// up the server's tries.
func (e Endpoint) auth() (methods []ssh.AuthMethod, done func(), err error) {
	done = func() {}
	key := strings.TrimSpace(or(e.PrivateKey, ""))
	if key != "" {
		signer, err := parseKey(key, e.PrivateKeyPassword)
		if err != nil {
			return nil, done, err
		}
		methods = append(methods, ssh.PublicKeys(signer))
	}
	if e.Password != nil {
		password := *e.Password
		methods = append(methods, ssh.Password(password), ssh.KeyboardInteractive(
			func(_, _ string, questions []string, _ []bool) ([]string, error) {
				answers := make([]string, len(questions))
				for i := range answers {
					answers[i] = password
				}
				return answers, nil
			}))
	}
	socket, named := agentSocket(e.AgentSocketPath)
	if socket == "" || key != "" {
		return methods, done, nil
	}
	conn, err := net.Dial("unix", socket)
	switch {
	case err == nil:
		methods = append(methods, ssh.PublicKeysCallback(agent.NewClient(conn).Signers))
		done = func() { _ = conn.Close() }
	case named || len(methods) == 0:
		return nil, done, fmt.Errorf("ssh agent: found %w; need a listening agent; "+
			"fix: start it, or set agentSocketPath or privateKey", err)
	}
	return methods, done, nil
}

func agentSocket(path *string) (socket string, named bool) {
	if path != nil && *path != "" {
		return *path, true
	}
	return os.Getenv("SSH_AUTH_SOCK"), false
}

// parseKey never quotes the key in a failure.
func parseKey(key string, passphrase *string) (ssh.Signer, error) {
	var signer ssh.Signer
	var err error
	if or(passphrase, "") != "" {
		signer, err = ssh.ParsePrivateKeyWithPassphrase([]byte(key), []byte(*passphrase))
	} else {
		signer, err = ssh.ParsePrivateKey([]byte(key))
	}
	if err != nil {
		return nil, fmt.Errorf("privateKey: found %w; need the text of a private key; "+
			"fix: set privateKey, and privateKeyPassword if the key has a passphrase", err)
	}
	return signer, nil
}
