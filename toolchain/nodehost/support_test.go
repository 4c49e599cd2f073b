package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// project is a program directory with a fake SDK, whose entry points are scripts of the test.
type project struct {
	t   *testing.T
	dir string
}

func newProject(t *testing.T) project {
	p := project{t, t.TempDir()}
	p.write("node_modules/@pulumi/pulumi/package.json", `{"name": "@pulumi/pulumi", "version": "3.0.0"}`)
	return p
}

func (p project) write(path, content string) {
	p.t.Helper()
	file := filepath.Join(p.dir, path)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

func (p project) link(target, path string) {
	p.t.Helper()
	file := filepath.Join(p.dir, path)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(p.dir, target), file); err != nil {
		p.t.Fatal(err)
	}
}

func (p project) entryPoint(name, script string) {
	p.t.Helper()
	p.write("node_modules/@pulumi/pulumi/cmd/"+name+"/index.js", script)
}

func (p project) info() *pulumirpc.ProgramInfo {
	return &pulumirpc.ProgramInfo{RootDirectory: p.dir, ProgramDirectory: p.dir, EntryPoint: "."}
}

func needNode(t *testing.T) {
	t.Helper()
	if _, err := findNode(); err != nil {
		t.Skipf("runs real Node programs: %v", err)
	}
}

// connect serves the host over gRPC, as for the engine.
func connect(t *testing.T, h *host) pulumirpc.LanguageRuntimeClient {
	t.Helper()
	stop := make(chan bool)
	handle, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{
		Cancel: stop,
		Init: func(server *grpc.Server) error {
			pulumirpc.RegisterLanguageRuntimeServer(server, h)
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := grpc.NewClient(
		fmt.Sprintf("127.0.0.1:%d", handle.Port), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		close(stop)
		<-handle.Done
	})
	return pulumirpc.NewLanguageRuntimeClient(conn)
}

func testHost(t *testing.T) *host {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	return newHost(ctx, "127.0.0.1:1", "")
}

func structOf(t *testing.T, values map[string]any) *structpb.Struct {
	t.Helper()
	s, err := structpb.NewStruct(values)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
