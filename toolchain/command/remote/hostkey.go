package remote

import (
	"bytes"
	"fmt"
	"net"
	"slices"

	"golang.org/x/crypto/ssh"
)

// hostKeyRefused means that the host has another key. It is final: the next
// dial would reach the same host.
type hostKeyRefused struct {
	address     string
	found, need ssh.PublicKey
}

func (h *hostKeyRefused) Error() string {
	return fmt.Sprintf("host key of %s: found %s %s, so nothing was run; need %s %s; "+
		"fix: find out why the host has another key, then set hostKey", h.address,
		h.found.Type(), ssh.FingerprintSHA256(h.found),
		h.need.Type(), ssh.FingerprintSHA256(h.need))
}

// verifyHostKey sets the client's check of the host's key.
func verifyHostKey(config *ssh.ClientConfig, address string, hostKey *string) error {
	if or(hostKey, "") == "" {
		config.HostKeyCallback = ssh.InsecureIgnoreHostKey()
		return nil
	}
	need, _, _, _, err := ssh.ParseAuthorizedKey([]byte(*hostKey))
	if err != nil {
		return fmt.Errorf("hostKey of %s: found %w; need a public key as in the server's .pub file "+
			`("ssh-ed25519 AAAA..."); fix: set hostKey`, address, err)
	}
	config.HostKeyAlgorithms = preferred(need.Type())
	config.HostKeyCallback = func(_ string, _ net.Addr, found ssh.PublicKey) error {
		if bytes.Equal(found.Marshal(), need.Marshal()) {
			return nil
		}
		return &hostKeyRefused{address, found, need}
	}
	return nil
}

// preferred puts the algorithms of the needed key first: a server with several
// keys shows the one that the client lists first. The others stay in the list,
// so that a failure can name the key that was found.
func preferred(keyType string) []string {
	first := []string{keyType}
	if keyType == ssh.KeyAlgoRSA {
		first = []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	for _, algorithm := range ssh.SupportedAlgorithms().HostKeys {
		if !slices.Contains(first, algorithm) {
			first = append(first, algorithm)
		}
	}
	return first
}
