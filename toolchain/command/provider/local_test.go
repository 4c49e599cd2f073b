package provider_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	passet "github.com/pulumi/pulumi/sdk/v3/go/common/resource/asset"
	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"mirlab/toolchain/command/internal/process"
)

const localCommand = "command:local:Command"

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestLocalLifecycle(t *testing.T) {
	dir := t.TempDir()
	in := props{
		"dir":         dir,
		"create":      `printf 'create %s\n' "$WHO" | tee -a log; cat; echo oops >&2`,
		"update":      `printf 'update %s after %s\n' "$WHO" "$PULUMI_COMMAND_STDOUT" | tee -a log`,
		"delete":      `printf 'delete after %s and %s\n' "$PULUMI_COMMAND_STDOUT" "$PULUMI_COMMAND_STDERR" >> log`,
		"stdin":       "fed",
		"environment": props{"WHO": "one"},
	}
	it := newOne(t, newServer(t), localCommand)
	it.mustUp("create", in)
	equal(t, "stdout", it.text("stdout"), "create one\nfed")
	equal(t, "stderr", it.text("stderr"), "oops")
	it.mustUp("same", in)
	in["environment"] = props{"WHO": "two"}
	it.mustUp("update", in)
	equal(t, "stdout", it.text("stdout"), "update two after create one\nfed")
	equal(t, "stderr", it.text("stderr"), "")
	if err := it.down(); err != nil {
		t.Fatal(err)
	}
	equal(t, "log", read(t, filepath.Join(dir, "log")),
		"create one\nupdate two after create one\nfed\ndelete after update two after create one\nfed and \n")
}

func TestLocalUpdateFallsBackToCreate(t *testing.T) {
	it := newOne(t, newServer(t), localCommand)
	it.mustUp("create", props{"create": `echo one "[$PULUMI_COMMAND_STDOUT]"`})
	it.mustUp("update", props{"create": `echo two "[$PULUMI_COMMAND_STDOUT]"`})
	equal(t, "stdout", it.text("stdout"), "two [one []]")
	it.mustUp("update", props{"create": `echo three "[$PULUMI_COMMAND_STDOUT]"`, "addPreviousOutputInEnv": false})
	equal(t, "stdout", it.text("stdout"), "three []")
	it.mustUp("update", props{})
	equal(t, "stdout kept without a command", it.text("stdout"), "three []")
}

func TestLocalTriggers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	asset := func(content string) *passet.Asset {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		read, err := passet.FromPath(file)
		if err != nil {
			t.Fatal(err)
		}
		return read
	}
	for _, c := range []struct{ name, update, step string }{
		{"without update replaces", "", "replace"},
		{"with update updates", "echo updated", "update"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := func(triggers ...any) props {
				result := props{"create": "echo created", "triggers": triggers}
				if c.update != "" {
					result["update"] = c.update
				}
				return result
			}
			it := newOne(t, newServer(t), localCommand)
			it.mustUp("create", in("a", 1.0, asset("one")))
			it.mustUp("same", in("a", 1.0, asset("one")))
			it.mustUp(c.step, in("b", 1.0, asset("one")))
			it.mustUp(c.step, in("b", 1.0, asset("two")))
			it.mustUp(c.step, in("b", 1.0))
		})
	}
}

func TestLocalFailureQuotesOutput(t *testing.T) {
	it := newOne(t, newServer(t), localCommand)
	const command = "echo seen; echo bad >&2; exit 3"
	_, err := it.up(props{"create": command})
	failsWith(t, err, "local.Command create", "found exit status 3", "need exit status 0", "seen", "bad")
	_, err = it.up(props{"create": command, "logging": "none"})
	failsWith(t, err, "exit status 3", `logging is "none"`)
	if strings.Contains(err.Error(), "seen") || strings.Contains(err.Error(), "bad") {
		t.Fatalf("failure %q quotes output that must not be logged", err)
	}
	_, err = it.up(props{"create": command, "logging": "stderr"})
	failsWith(t, err, "bad")
	if strings.Contains(err.Error(), "seen") {
		t.Fatalf("failure %q quotes standard output", err)
	}
	_, err = it.up(props{"create": "true", "dir": "/nonexistent/dir"})
	failsWith(t, err, "local.Command create: dir", "/nonexistent/dir", "need a directory")
}

func TestLocalUpdateFailureKeepsState(t *testing.T) {
	it := newOne(t, newServer(t), localCommand)
	it.mustUp("create", props{"create": "echo good"})
	step, err := it.up(props{"create": "false"})
	equal(t, "step", step, "update")
	failsWith(t, err, "local.Command create, run as update", "exit status 1")
	equal(t, "stdout", it.text("stdout"), "good")
}

func TestLocalInterpreterAndOddOutput(t *testing.T) {
	it := newOne(t, newServer(t), localCommand)
	it.mustUp("create", props{"interpreter": []any{"/bin/echo", "-n", "a b"}, "create": "c  d"})
	equal(t, "stdout", it.text("stdout"), "a b c  d")
	it = newOne(t, newServer(t), localCommand)
	// Invalid UTF-8, and more than one variable can hold: neither may break the next run.
	it.mustUp("create", props{"create": `printf '\377'; head -c 200000 /dev/zero | tr '\0' x`})
	equal(t, "length", len(it.text("stdout")), len("\uFFFD")+200000)
	it.mustUp("update", props{"create": `echo "[$PULUMI_COMMAND_STDOUT]"`})
	equal(t, "stdout", it.text("stdout"), "[]")
}

func TestLocalAssets(t *testing.T) {
	dir := t.TempDir()
	it := newOne(t, newServer(t), localCommand)
	it.mustUp("create", props{
		"dir": dir,
		"create": "mkdir -p assets/logos src; echo svg > assets/logos/logo.svg; " +
			"echo js > src/index.js; echo no > src/secret.js; echo top > top.txt",
		"assetPaths":   []any{"assets/**", "src/**.js", "!**secret.*"},
		"archivePaths": []any{"*.txt", "src/*"},
	})
	found := it.state.Get("assets").AsMap()
	equal(t, "assets", found.Len(), 2)
	for _, name := range []string{"assets/logos/logo.svg", "src/index.js"} {
		equal(t, name, found.Get(name).AsAsset().Path, filepath.Join(dir, name))
	}
	members, isAssets := it.state.Get("archive").AsArchive().GetAssets()
	equal(t, "archive of assets", isAssets, true)
	equal(t, "members", fmt.Sprint(len(members), members["top.txt"] != nil, members["src/secret.js"] != nil), "3 true true")
	// A refresh sends hashes only, and must return paths that a program can use.
	resp, err := it.server.Read(p.ReadRequest{
		ID: it.id, Urn: it.urn, Inputs: elided(t, it.inputs), Properties: elided(t, it.state),
	})
	if err != nil {
		t.Fatal(err)
	}
	if back := wire(t, resp.Properties); !back.Equals(it.state) {
		t.Fatalf("read: found %v; need %v", back, it.state)
	}
	// The next steps must be able to read a state with assets.
	it.mustUp("update", props{"dir": dir, "create": "echo again"})
	if it.state.Get("assets").IsMap() || it.state.Get("archive").IsArchive() {
		t.Fatalf("state %v: need no assets without paths", it.state)
	}
	if err := it.down(); err != nil {
		t.Fatal(err)
	}
}

func TestLocalRun(t *testing.T) {
	server := newServer(t)
	resp, err := server.Invoke(p.InvokeRequest{Token: "command:local:run", Args: toMap(props{
		"command": `read line; echo "$line $A"`, "stdin": "in\n", "environment": props{"A": "b"},
	})})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "stdout", resp.Return.Get("stdout").AsString(), "in b")
	equal(t, "command", resp.Return.Get("command").AsString(), `read line; echo "$line $A"`)
	_, err = server.Invoke(p.InvokeRequest{Token: "command:local:run", Args: toMap(props{"command": "exit 4"})})
	failsWith(t, err, "local.run", "exit status 4")
}

func TestPreviewRunsNothing(t *testing.T) {
	server := newServer(t)
	mark := filepath.Join(t.TempDir(), "mark")
	urn := resource.NewURN("test", "mirlab", "", localCommand, "it")
	resp, err := server.Create(p.CreateRequest{
		Urn: urn, Properties: toMap(props{"create": "touch " + mark}), DryRun: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if !resp.Properties.Get("stdout").IsComputed() {
		t.Fatalf("stdout in a preview: found %v; need unknown", resp.Properties.Get("stdout"))
	}
	_, err = server.Update(p.UpdateRequest{
		ID: "x", Urn: urn, DryRun: true,
		State:  toMap(props{"create": "true", "stdout": "", "stderr": ""}),
		Inputs: toMap(props{"create": "touch " + mark}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(mark); !os.IsNotExist(err) {
		t.Fatal("a preview ran the command")
	}
}

func TestSecretsStaySecret(t *testing.T) {
	it := newOne(t, newServer(t), localCommand)
	secret := func(text string) any { return resource.MakeSecret(resource.NewProperty(text)) }
	in := props{"create": "cat >/dev/null", "stdin": secret("hush"), "environment": props{"A": secret("b")}}
	it.mustUp("create", in)
	if !it.state.Get("stdin").Secret() || !it.state.Get("environment").HasSecrets() {
		t.Fatalf("state %v: need secret stdin and environment", it.state)
	}
	it.mustUp("same", in)
}

func TestLocalLogStreams(t *testing.T) {
	const command = "echo out; printf half; echo err >&2"
	for _, c := range []struct{ logging, required string }{
		{"stdoutAndStderr", "INFO out,INFO half,INFO err"},
		{"stdout", "INFO out,INFO half"},
		{"stderr", "INFO err"},
		{"none", ""},
	} {
		logged, err := createWithLog(t, localCommand, props{"create": command, "logging": c.logging})
		if err != nil {
			t.Fatal(err)
		}
		text := messages(logged)
		required := strings.FieldsFunc(c.required, func(r rune) bool { return r == ',' })
		equal(t, c.logging+" lines", strings.Count(text, "\n"), len(required))
		for _, line := range required {
			if !strings.Contains(text, line+"\n") {
				t.Fatalf("%s: found %q; need %q in it", c.logging, text, line)
			}
		}
	}
}

func TestLocalCancelEndsGroup(t *testing.T) {
	grace := process.Grace
	process.Grace = 500 * time.Millisecond
	defer func() { process.Grace = grace }()
	for _, c := range []struct{ name, command, required string }{
		{"polite", "trap 'echo bye > said; exit 1' INT; sleep 60 & echo $! > pid; wait", "ended by SIG"},
		{"deaf", "trap '' INT; sleep 60 & echo $! > pid; while :; do sleep 1; done", "ended by SIGKILL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, server := t.TempDir(), newServer(t)
			done := make(chan error, 1)
			go func() {
				_, err := server.Create(p.CreateRequest{
					Urn:        resource.NewURN("test", "mirlab", "", localCommand, "it"),
					Properties: toMap(props{"create": c.command, "dir": dir}),
				})
				done <- err
			}()
			pid := waitForPid(t, filepath.Join(dir, "pid"))
			if err := server.Cancel(); err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-done:
				failsWith(t, err, c.required, "context canceled")
			case <-time.After(10 * time.Second):
				t.Fatal("create did not return after the cancel")
			}
			waitGone(t, pid)
			if c.name == "polite" {
				equal(t, "last word", read(t, filepath.Join(dir, "said")), "bye\n")
			}
		})
	}
}

func TestLocalTimeoutEndsCommand(t *testing.T) {
	server := newServer(t)
	_, err := server.Create(p.CreateRequest{
		Urn:        resource.NewURN("test", "mirlab", "", localCommand, "it"),
		Properties: toMap(props{"create": "sleep 60"}), Timeout: 1,
	})
	failsWith(t, err, "ended by SIGINT", "deadline exceeded")
}

func TestUnknownTokensAreNamed(t *testing.T) {
	server := newServer(t)
	_, err := server.Check(p.CheckRequest{
		Urn: resource.NewURN("test", "mirlab", "", "command:remote:Teleport", "it"),
	})
	failsWith(t, err, "found resource command:remote:Teleport", "need one of", "command:remote:CopyToRemote")
	_, err = server.Invoke(p.InvokeRequest{Token: "command:local:walk", Args: property.Map{}})
	failsWith(t, err, "found function command:local:walk", "need command:local:run")
}

func waitForPid(t *testing.T, file string) int {
	t.Helper()
	for range 200 {
		data, err := os.ReadFile(file)
		if pid, convErr := strconv.Atoi(strings.TrimSpace(string(data))); err == nil && convErr == nil {
			return pid
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("the command did not start")
	return 0
}

func waitGone(t *testing.T, pid int) {
	t.Helper()
	for range 100 {
		if err := syscall.Kill(pid, 0); err == syscall.ESRCH || isZombie(pid) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("process %d: found running; need ended", pid)
}

// isZombie reports a process that has ended but was not waited for: in a container
// init may never do so.
func isZombie(pid int) bool {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, found := strings.Cut(string(data), ") ")
	return found && strings.HasPrefix(rest, "Z")
}
