package provider_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// sshd is a real OpenSSH server on a loopback port, with keys of its own.
type sshd struct {
	t       *testing.T
	port    int
	dir     string
	hostKey string // ed25519, as in a .pub file
	ecdsa   string // the server's other host key
	private string // the client's key
}

type keyPair struct{ private, public string }

func newKey(t *testing.T, key any, passphrase string) keyPair {
	t.Helper()
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	var block *pem.Block
	if passphrase == "" {
		block, err = ssh.MarshalPrivateKey(key, "")
	} else {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	return keyPair{
		private: string(pem.EncodeToMemory(block)),
		public:  strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey()))),
	}
}

func newED25519(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// prepare creates keys and configuration without starting the server.
func prepare(t *testing.T, extra ...string) *sshd {
	t.Helper()
	if _, err := os.Stat("/usr/sbin/sshd"); err != nil {
		t.Skip("no /usr/sbin/sshd: install openssh-server")
	}
	if os.Geteuid() == 0 {
		// sshd of root needs it to start; the package creates it at boot.
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s := &sshd{t: t, dir: t.TempDir(), port: freePort(t)}
	host := newKey(t, newED25519(t), "")
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other := newKey(t, curve, "")
	client := newKey(t, newED25519(t), "")
	s.hostKey, s.ecdsa, s.private = host.public, other.public, client.private
	s.file("host_ed25519", host.private)
	s.file("host_ecdsa", other.private)
	s.file("authorized_keys", client.public+"\n")
	s.file("sshd_config", strings.Join(append([]string{
		fmt.Sprintf("Port %d", s.port),
		"ListenAddress 127.0.0.1",
		"HostKey " + filepath.Join(s.dir, "host_ecdsa"),
		"HostKey " + filepath.Join(s.dir, "host_ed25519"),
		"AuthorizedKeysFile " + filepath.Join(s.dir, "authorized_keys"),
		"PidFile none",
		"PasswordAuthentication no",
		"StrictModes no",
		"UsePAM no",
		"LogLevel VERBOSE",
		"AcceptEnv TAKEN PULUMI_COMMAND_*",
		"Subsystem sftp internal-sftp",
	}, extra...), "\n")+"\n")
	return s
}

func startSSHD(t *testing.T, extra ...string) *sshd {
	t.Helper()
	s := prepare(t, extra...)
	s.start()
	s.wait()
	return s
}

func (s *sshd) file(name, content string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *sshd) start() {
	s.t.Helper()
	cmd := exec.Command("/usr/sbin/sshd", "-D", "-E", filepath.Join(s.dir, "log"),
		"-f", filepath.Join(s.dir, "sshd_config"))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if s.t.Failed() {
			s.t.Logf("sshd printed %s\n%s", stderr.String(), s.log())
		}
	})
}

func (s *sshd) wait() {
	s.t.Helper()
	for range 100 {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.port))
		if err == nil {
			_ = conn.Close()
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	s.t.Fatalf("sshd did not start: %s", s.log())
}

func (s *sshd) log() string {
	data, _ := os.ReadFile(filepath.Join(s.dir, "log"))
	return string(data)
}

// connection is the input with which a program reaches the server.
func (s *sshd) connection() props {
	s.t.Helper()
	me, err := user.Current()
	if err != nil {
		s.t.Fatal(err)
	}
	return props{
		"host": "127.0.0.1", "port": float64(s.port), "user": me.Username,
		"privateKey": s.private, "hostKey": s.hostKey,
	}
}

func with(base props, name string, value any) props {
	result := props{name: value}
	for key, old := range base {
		if key != name {
			result[key] = old
		}
	}
	return result
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port
}

func fingerprint(t *testing.T, public string) string {
	t.Helper()
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(public))
	if err != nil {
		t.Fatal(err)
	}
	return ssh.FingerprintSHA256(key)
}
