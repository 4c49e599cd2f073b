package provider_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"golang.org/x/crypto/ssh/agent"

	"mirlab/toolchain/command/internal/process"
)

const remoteCommand = "command:remote:Command"

func TestRemoteLifecycle(t *testing.T) {
	host := startSSHD(t)
	dir := t.TempDir()
	in := props{
		"connection":  host.connection(),
		"create":      fmt.Sprintf(`cd %s; echo "create $TAKEN" | tee -a log; cat; echo oops >&2`, dir),
		"update":      fmt.Sprintf(`cd %s; echo "update $TAKEN after $PULUMI_COMMAND_STDOUT" | tee -a log`, dir),
		"delete":      fmt.Sprintf(`cd %s; echo "delete after $PULUMI_COMMAND_STDOUT" >> log`, dir),
		"stdin":       "fed",
		"environment": props{"TAKEN": "one"},
	}
	it := newOne(t, newServer(t), remoteCommand)
	it.mustUp("create", in)
	equal(t, "stdout", it.text("stdout"), "create one\nfed")
	equal(t, "stderr", it.text("stderr"), "oops")
	if !it.state.Get("connection").Secret() {
		t.Fatal("connection in the state: found public; need secret")
	}
	it.mustUp("same", in)
	in["environment"] = props{"TAKEN": "two"}
	it.mustUp("update", in)
	equal(t, "stdout", it.text("stdout"), "update two after create one\nfed")
	in["triggers"] = []any{"now"}
	it.mustUp("replace", in)
	if err := it.down(); err != nil {
		t.Fatal(err)
	}
	equal(t, "log", read(t, filepath.Join(dir, "log")), "create one\nupdate two after create one\nfed\n"+
		"create two\ndelete after update two after create one\nfed\ndelete after create two\nfed\n")
}

func TestRemoteFailureAndRefusedVariable(t *testing.T) {
	host := startSSHD(t)
	logged, err := createWithLog(t, remoteCommand, props{
		"connection":  host.connection(),
		"create":      `echo "seen [$OTHER]"; echo bad >&2; exit 3`,
		"environment": props{"OTHER": "x"},
	})
	failsWith(t, err, "remote.Command create on 127.0.0.1", "status 3", "need exit status 0", "seen []", "bad")
	text := messages(logged)
	for _, required := range []string{"WARNING environment: found OTHER refused", "INFO seen []", "INFO bad"} {
		if !strings.Contains(text, required) {
			t.Fatalf("log %q: need %q in it", text, required)
		}
	}
}

func TestRemoteConnectionEnds(t *testing.T) {
	host := startSSHD(t)
	_, err := createWithLog(t, remoteCommand, props{
		"connection": host.connection(),
		"create":     `echo begun; sleep 0.2; kill -9 $PPID`,
	})
	failsWith(t, err, "remote.Command create on 127.0.0.1", "the connection ended while the command ran", "fix: ", "begun")
}

func TestRemoteHostKey(t *testing.T) {
	host := startSSHD(t)
	stranger := newKey(t, newED25519(t), "").public
	mark := filepath.Join(t.TempDir(), "mark")
	create := func(connection props) error {
		_, err := newOne(t, newServer(t), remoteCommand).up(props{"connection": connection, "create": "touch " + mark})
		return err
	}
	start := time.Now()
	err := create(with(host.connection(), "hostKey", stranger))
	failsWith(t, err, "host key of 127.0.0.1", "found ssh-ed25519 "+fingerprint(t, host.hostKey),
		"need ssh-ed25519 "+fingerprint(t, stranger))
	if waited := time.Since(start); waited > 3*time.Second {
		t.Fatalf("a wrong host key was retried for %v", waited)
	}
	if _, err := os.Stat(mark); !os.IsNotExist(err) {
		t.Fatal("a command ran on a host with the wrong key")
	}
	failsWith(t, create(with(host.connection(), "hostKey", "not a key")), "hostKey of 127.0.0.1", "need a public key")
	for name, key := range map[string]any{"second key": host.ecdsa, "comment": host.hostKey + " me@here", "unset": nil} {
		if err := create(with(host.connection(), "hostKey", key)); err != nil {
			t.Fatalf("hostKey %s: %v", name, err)
		}
	}
}

func TestRemoteDialRetries(t *testing.T) {
	late := prepare(t)
	go func() {
		time.Sleep(500 * time.Millisecond)
		late.start()
	}()
	logged, err := createWithLog(t, remoteCommand, props{"connection": late.connection(), "create": "true"})
	if err != nil {
		t.Fatal(err)
	}
	if text := messages(logged); !strings.Contains(text, "Dial 1/10 failed: retrying") {
		t.Fatalf("log %q: need the dial's progress", text)
	}
}

func TestRemoteDialLimits(t *testing.T) {
	nobody := props{"host": "127.0.0.1", "port": float64(freePort(t)), "dialErrorLimit": 2.0, "password": "x"}
	_, err := newOne(t, newServer(t), remoteCommand).up(props{"connection": nobody, "create": "true"})
	failsWith(t, err, "after 3 failed dials", "connection refused")

	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = mute.Close() }()
	silent := props{
		"host": "127.0.0.1", "port": float64(mute.Addr().(*net.TCPAddr).Port),
		"dialErrorLimit": 0.0, "perDialTimeout": 1.0, "password": "x",
	}
	_, err = newOne(t, newServer(t), remoteCommand).up(props{"connection": silent, "create": "true"})
	failsWith(t, err, "after 1 failed dials", "no login in time")

	_, err = newOne(t, newServer(t), remoteCommand).up(props{
		"connection": props{"host": "127.0.0.1", "port": 70000.0}, "create": "true",
	})
	failsWith(t, err, "connection.port: found 70000")
}

func TestRemoteLogins(t *testing.T) {
	host := startSSHD(t)
	secret := newED25519(t)
	locked, wrong := newKey(t, secret, "open"), newKey(t, newED25519(t), "")
	host.file("authorized_keys", locked.public+"\n")
	create := func(connection props) error {
		connection["dialErrorLimit"] = 0.0
		_, err := newOne(t, newServer(t), remoteCommand).up(props{"connection": connection, "create": "true"})
		return err
	}
	t.Setenv("SSH_AUTH_SOCK", "")
	passphrase := with(with(host.connection(), "privateKey", locked.private), "privateKeyPassword", "open")
	if err := create(passphrase); err != nil {
		t.Fatal("passphrase:", err)
	}
	err := create(with(host.connection(), "privateKey", locked.private))
	failsWith(t, err, "privateKey: found", "passphrase")
	failsWith(t, create(with(host.connection(), "privateKey", wrong.private)), "unable to authenticate")

	keys := agent.NewKeyring()
	if err := keys.Add(agent.AddedKey{PrivateKey: secret}); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(t.TempDir(), "agent")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _ = agent.ServeAgent(keys, conn) }()
		}
	}()
	keyless := with(host.connection(), "privateKey", nil)
	if err := create(with(keyless, "agentSocketPath", socket)); err != nil {
		t.Fatal("agent by path:", err)
	}
	t.Setenv("SSH_AUTH_SOCK", socket)
	if err := create(keyless); err != nil {
		t.Fatal("agent by environment:", err)
	}
	failsWith(t, create(with(keyless, "agentSocketPath", socket+".gone")), "ssh agent: found")
}

func TestRemoteProxy(t *testing.T) {
	jump, host := startSSHD(t), startSSHD(t)
	connection := with(host.connection(), "proxy", jump.connection())
	it := newOne(t, newServer(t), remoteCommand)
	it.mustUp("create", props{"connection": connection, "create": "echo there"})
	equal(t, "stdout", it.text("stdout"), "there")
	if !strings.Contains(jump.log(), "Accepted publickey") {
		t.Fatal("the jump host saw no login")
	}
	stranger := newKey(t, newED25519(t), "").public
	connection = with(host.connection(), "proxy", with(jump.connection(), "hostKey", stranger))
	_, err := newOne(t, newServer(t), remoteCommand).up(props{"connection": connection, "create": "true"})
	failsWith(t, err, "proxy: host key of", fingerprint(t, jump.hostKey), fingerprint(t, stranger))
	connection = with(with(host.connection(), "hostKey", stranger), "proxy", jump.connection())
	_, err = newOne(t, newServer(t), remoteCommand).up(props{"connection": connection, "create": "true"})
	failsWith(t, err, "host key of", fingerprint(t, host.hostKey), fingerprint(t, stranger))
}

func TestRemoteCancel(t *testing.T) {
	grace := process.Grace
	process.Grace = time.Second
	defer func() { process.Grace = grace }()
	host, dir, server := startSSHD(t), t.TempDir(), newServer(t)
	done := make(chan error, 1)
	go func() {
		_, err := server.Create(p.CreateRequest{
			Urn: resource.NewURN("test", "mirlab", "", remoteCommand, "it"),
			Properties: toMap(props{
				"connection": host.connection(),
				"create":     fmt.Sprintf("echo $$ > %s/pid; exec sleep 60", dir),
			}),
		})
		done <- err
	}()
	pid := waitForPid(t, filepath.Join(dir, "pid"))
	if err := server.Cancel(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-done:
		failsWith(t, err, "context canceled", "ended by SIGINT")
	case <-time.After(10 * time.Second):
		t.Fatal("create did not return after the cancel")
	}
	waitGone(t, pid)
}

func TestRemoteCancelWhileDialing(t *testing.T) {
	server := newServer(t)
	done := make(chan error, 1)
	go func() {
		_, err := server.Create(p.CreateRequest{
			Urn: resource.NewURN("test", "mirlab", "", remoteCommand, "it"),
			Properties: toMap(props{"create": "true", "connection": props{
				"host": "127.0.0.1", "port": float64(freePort(t)), "dialErrorLimit": -1.0, "password": "x",
			}}),
		})
		done <- err
	}()
	time.Sleep(300 * time.Millisecond)
	if err := server.Cancel(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-done:
		failsWith(t, err, "context canceled")
	case <-time.After(10 * time.Second):
		t.Fatal("create did not return after the cancel")
	}
}
