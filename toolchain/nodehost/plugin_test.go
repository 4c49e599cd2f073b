package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// runPlugin collects the output of a plugin until it ends.
func runPlugin(t *testing.T, req *pulumirpc.RunPluginRequest) (stdout, stderr string, code int32) {
	t.Helper()
	stream, err := connect(t, testHost(t)).RunPlugin(context.Background(), req)
	if err != nil {
		t.Fatal(err)
	}
	for {
		msg, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return stdout, stderr, code
		}
		if err != nil {
			t.Fatal(err)
		}
		stdout += string(msg.GetStdout())
		stderr += string(msg.GetStderr())
		code = msg.GetExitcode()
	}
}

func TestRunPluginStreamsOutputAndExitCode(t *testing.T) {
	needNode(t)
	p := newProject(t)
	p.entryPoint("run-plugin", `console.log(process.argv.slice(2).join(" "), process.env.GIVEN);
		console.error("fault"); process.exit(3)`)
	stdout, stderr, code := runPlugin(t, &pulumirpc.RunPluginRequest{
		Pwd: p.dir, Kind: "resource", Info: p.info(), Args: []string{"127.0.0.1:9"}, Env: []string{"GIVEN=env"},
	})
	if stdout != p.dir+" 127.0.0.1:9 env\n" || stderr != "fault\n" || code != 3 {
		t.Fatalf("found %q, %q, %d", stdout, stderr, code)
	}
}

// The engine configures the stack by RPC; the pack must get it by environment, and run in its own directory.
func TestPolicyPackGetsTheStackInItsEnvironment(t *testing.T) {
	needNode(t)
	p := newProject(t)
	p.entryPoint("run-policy-pack", `
		const e = process.env;
		console.error([e.PULUMI_NODEJS_STACK, e.PULUMI_NODEJS_PROJECT, e.PULUMI_NODEJS_DRY_RUN, e.PULUMI_CONFIG,
			process.cwd(), ...process.argv.slice(2)].join("|"));
		console.log("1")`)
	stream, err := connect(t, testHost(t)).RunPlugin(context.Background(), &pulumirpc.RunPluginRequest{
		Pwd: "/", Kind: kindPolicyPack, Info: p.info(), Args: []string{"127.0.0.1:9"},
	})
	if err != nil {
		t.Fatal(err)
	}
	msg, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := grpc.NewClient("127.0.0.1:"+strings.TrimSpace(string(msg.GetStdout())),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = pulumirpc.NewAnalyzerClient(conn).ConfigureStack(context.Background(),
		&pulumirpc.AnalyzerStackConfigureRequest{
			Stack: "dev", Project: "lab", DryRun: true, Config: map[string]string{"lab:k": "v"},
		})
	if err != nil {
		t.Fatal(err)
	}
	seen := ""
	for {
		msg, err := stream.Recv()
		if err != nil {
			break
		}
		seen += string(msg.GetStderr())
	}
	need := "dev|lab|true|{\"lab:k\":\"v\"}|" + p.dir + "|127.0.0.1:9|" + p.dir + "\n"
	if seen != need {
		t.Fatalf("found %q;\nneed  %q", seen, need)
	}
}

func TestAboutNamesNode(t *testing.T) {
	needNode(t)
	h := testHost(t)
	about, err := h.About(context.Background(), &pulumirpc.AboutRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(about.Version, "v") || about.Executable == "" {
		t.Fatalf("found %v", about)
	}
	if _, err := h.GetPluginInfo(context.Background(), &emptypb.Empty{}); err != nil {
		t.Fatal(err)
	}
}
