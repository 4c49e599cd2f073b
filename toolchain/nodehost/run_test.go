package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/emptypb"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

func (p project) run(h *host, req *pulumirpc.RunRequest) *pulumirpc.RunResponse {
	p.t.Helper()
	req.Pwd = p.dir
	if req.Info == nil {
		req.Info = p.info()
	}
	resp, err := h.Run(context.Background(), req)
	if err != nil {
		p.t.Fatal(err)
	}
	return resp
}

func TestRunReportsHowTheProgramEnded(t *testing.T) {
	needNode(t)
	cases := []struct {
		script, error string
		bail          bool
	}{
		{script: ``},
		{script: `process.exit(32)`, bail: true},
		{script: `process.exit(7)`, error: "Program exited with non-zero exit code: 7"},
		{script: `process.kill(process.pid, "SIGKILL")`, error: "Program ended by signal: killed"},
	}
	for _, c := range cases {
		t.Run(c.script, func(t *testing.T) {
			p := newProject(t)
			p.entryPoint("run", c.script)
			resp := p.run(testHost(t), &pulumirpc.RunRequest{})
			if resp.Bail != c.bail || resp.Error != c.error {
				t.Fatalf("found bail %v, error %q; need %v, %q", resp.Bail, resp.Error, c.bail, c.error)
			}
		})
	}
}

func TestRunPassesArgumentsAndKeepsConfigOutOfThem(t *testing.T) {
	needNode(t)
	p := newProject(t)
	p.entryPoint("run", `require("fs").writeFileSync("seen.json", JSON.stringify({
		argv: process.argv.slice(2), execArgv: process.execArgv, env: process.env, cwd: process.cwd() }))`)
	info := p.info()
	info.Options = structOf(t, map[string]any{"typescript": false, "nodeargs": "--no-warnings --trace-exit"})
	resp := p.run(testHost(t), &pulumirpc.RunRequest{
		Info: info, Project: "lab", Stack: "dev", Organization: "org", MonitorAddress: "127.0.0.1:2", Parallel: 4,
		DryRun: true, Config: map[string]string{"lab:key": "hidden"}, ConfigSecretKeys: []string{"lab:key"},
		Args: []string{"extra"},
	})
	if resp.Error != "" {
		t.Fatal(resp.Error)
	}
	var seen struct {
		Argv, ExecArgv []string
		Env            map[string]string
		Cwd            string
	}
	text, err := os.ReadFile(filepath.Join(p.dir, "seen.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &seen); err != nil {
		t.Fatal(err)
	}
	need := "--monitor 127.0.0.1:2 --engine 127.0.0.1:1 --organization org --project lab --root-directory " + p.dir +
		" --stack dev --pwd " + p.dir + " --dry-run --parallel 4 . extra"
	if got := strings.Join(seen.Argv, " "); got != need {
		t.Errorf("arguments\nfound %s\nneed  %s", got, need)
	}
	if got := strings.Join(seen.ExecArgv, " "); got != "--no-warnings --trace-exit" {
		t.Errorf("node arguments: found %q", got)
	}
	if seen.Env["PULUMI_CONFIG"] != `{"lab:key":"hidden"}` || seen.Env["PULUMI_CONFIG_SECRET_KEYS"] != `["lab:key"]` {
		t.Errorf("found config %q, secret keys %q", seen.Env["PULUMI_CONFIG"], seen.Env["PULUMI_CONFIG_SECRET_KEYS"])
	}
	if seen.Env["PULUMI_NODEJS_TYPESCRIPT"] != "false" {
		t.Errorf("found PULUMI_NODEJS_TYPESCRIPT %q", seen.Env["PULUMI_NODEJS_TYPESCRIPT"])
	}
}

func TestRunWithoutTheSdkNamesTheFix(t *testing.T) {
	needNode(t)
	dir := t.TempDir()
	resp, err := testHost(t).Run(context.Background(), &pulumirpc.RunRequest{
		Pwd: dir, Info: &pulumirpc.ProgramInfo{ProgramDirectory: dir},
	})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(resp.Error, "run npm ci") {
		t.Fatalf("found %q; need the fix", resp.Error)
	}
}

func TestCancelStopsARunningProgram(t *testing.T) {
	needNode(t)
	p := newProject(t)
	p.entryPoint("run", `require("fs").writeFileSync("started", ""); setInterval(() => {}, 1000)`)
	h := testHost(t)
	go func() {
		for {
			if _, err := os.Stat(filepath.Join(p.dir, "started")); err == nil {
				h.Cancel(context.Background(), &emptypb.Empty{})
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	// Returns only because of the cancel.
	if resp := p.run(h, &pulumirpc.RunRequest{}); resp.Error == "" {
		t.Fatal("found success; need the failure of a cancelled program")
	}
}

func TestOptionsNameEveryFault(t *testing.T) {
	_, err := parseOptions(structOf(t, map[string]any{
		"typescript": "yes", "nodeargs": `--title "a b"`, "packagemanager": "pnpm", "speed": 3,
	}))
	if err == nil {
		t.Fatal("accepted")
	}
	for _, need := range []string{"typescript: found yes", "nodeargs: found", "packagemanager: found pnpm; need npm", "speed: found an unknown option"} {
		if !strings.Contains(err.Error(), need) {
			t.Errorf("found %q; need %q in it", err, need)
		}
	}
}
