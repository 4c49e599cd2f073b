package main

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pulumi/pulumi-go-provider/integration/fake"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"
)

// TestBinary drives the built plugin over the engine's protocol: it reports its
// version, and ends its commands when it gets SIGTERM.
func TestBinary(t *testing.T) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "pulumi-resource-command")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Second)
	defer cancel()
	engine, _, err := fake.StartEngineServer(ctx, fake.NewEngineServer())
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, binary, engine)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	port, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	conn, err := grpc.NewClient("127.0.0.1:"+strings.TrimSpace(port),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	client := pulumirpc.NewResourceProviderClient(conn)
	info, err := client.GetPluginInfo(ctx, &emptypb.Empty{})
	if err != nil {
		t.Fatal(err)
	}
	if info.Version != "1.2.1" {
		t.Fatalf("version: found %s; need 1.2.1", info.Version)
	}

	pidFile := filepath.Join(dir, "pid")
	inputs, err := plugin.MarshalProperties(resource.NewPropertyMapFromMap(map[string]any{
		"create": "echo $$ > " + pidFile + "; exec sleep 60",
	}), plugin.MarshalOptions{})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := client.Create(ctx, &pulumirpc.CreateRequest{
			Urn: "urn:pulumi:test::mirlab::command:local:Command::it", Properties: inputs,
		})
		done <- err
	}()
	for {
		if data, err := os.ReadFile(pidFile); err == nil && len(data) > 0 {
			break
		}
		if ctx.Err() != nil {
			t.Fatal("the command did not start")
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err == nil || !strings.Contains(err.Error(), "ended by SIGINT") {
		t.Fatalf("create: found %v; need the end by SIGINT", err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("plugin: found %v; need a clean exit", err)
	}
}
