package remote

import (
	"bytes"
	"fmt"
	"net"
	"slices"

	"golang.org/x/crypto/ssh"
)

// hostKeyRefused means the host is not the one expected. It is final: the next
// dial would meet the same host.
type hostKeyRefused struct {
	address         string
	found, required ssh.PublicKey
}

func (h *hostKeyRefused) Error() string {
	return fmt.Sprintf("host key of %s: found %s %s, required %s %s; nothing was run; "+
		"fix: find out why the host has another key, then set hostKey", h.address,
		h.found.Type(), ssh.FingerprintSHA256(h.found),
		h.required.Type(), ssh.FingerprintSHA256(h.required))
}

// verifyHostKey sets how the client checks the host's key.
func verifyHostKey(config *ssh.ClientConfig, address string, hostKey *string) error {
	if or(hostKey, "") == "" {
		config.HostKeyCallback = ssh.InsecureIgnoreHostKey()
		return nil
	}
	required, _, _, _, err := ssh.ParseAuthorizedKey([]byte(*hostKey))
	if err != nil {
		return fmt.Errorf("hostKey of %s: found %w, required a public key as in the server's .pub file "+
			`("ssh-ed25519 AAAA..."); fix: set hostKey`, address, err)
	}
	config.HostKeyAlgorithms = preferred(required.Type())
	config.HostKeyCallback = func(_ string, _ net.Addr, found ssh.PublicKey) error {
		if bytes.Equal(found.Marshal(), required.Marshal()) {
			return nil
		}
		return &hostKeyRefused{address, found, required}
	}
	return nil
}

// preferred puts the algorithms of the required key first. A server with
// several keys shows the one the client likes best; the others stay in the
// list so that a refusal can name the key that was found.
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
