package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pulumi/pulumi/pkg/v3/codegen/nodejs"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
	"github.com/pulumi/pulumi/pkg/v3/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// The generated files name their generator. With the vendor's name both hosts generate the same SDK, byte for
// byte.
const generatorName = "pulumi-language-nodejs"

// GeneratePackage writes the TypeScript SDK of a package with the vendor's own generator.
func (h *host) GeneratePackage(
	_ context.Context, req *pulumirpc.GeneratePackageRequest,
) (*pulumirpc.GeneratePackageResponse, error) {
	client, err := schema.NewLoaderClient(req.GetLoaderTarget())
	if err != nil {
		return nil, err
	}
	defer client.Close()
	loader := schema.NewCachedLoader(client)

	var spec schema.PackageSpec
	if err := json.Unmarshal([]byte(req.GetSchema()), &spec); err != nil {
		return nil, fmt.Errorf("package schema: %w", err)
	}
	pkg, diagnostics, err := schema.BindSpec(spec, loader, schema.ValidationOptions{AllowDanglingReferences: true})
	if err != nil {
		return nil, err
	}
	resp := &pulumirpc.GeneratePackageResponse{Diagnostics: plugin.HclDiagnosticsToRPCDiagnostics(diagnostics)}
	if diagnostics.HasErrors() {
		return resp, nil
	}

	files, err := nodejs.GeneratePackage(
		generatorName, pkg, req.GetExtraFiles(), req.GetLocalDependencies(), req.GetLocal(), loader)
	if err != nil {
		return nil, err
	}
	for name, content := range files {
		path := filepath.Join(req.GetDirectory(), name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return nil, err
		}
	}
	return resp, nil
}

// Link adds generated SDKs to the project's dependencies, by relative path.
func (h *host) Link(ctx context.Context, req *pulumirpc.LinkRequest) (*pulumirpc.LinkResponse, error) {
	ctx, done := h.bounded(ctx)
	defer done()
	npm, err := findNpm()
	if err != nil {
		return nil, err
	}
	dir := req.GetInfo().GetProgramDirectory()

	instructions := []string{"You can now import in your program:"}
	for _, dependency := range req.GetPackages() {
		path := filepath.ToSlash(dependency.GetPath())
		name, err := packageName(filepath.Join(dir, path, "package.json"))
		if err != nil {
			return nil, err
		}
		// In brackets npm takes the name as one key, dots and slashes included.
		setting := fmt.Sprintf("dependencies[%s]=file:%s", name, path)
		cmd := command(ctx, dir, npm, "pkg", "set", setting)
		if output, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("npm pkg set %s in %s: found %w; need exit status 0; log: its output: %s", setting, dir, err, output)
		}
		identifier := strings.ReplaceAll(name[strings.LastIndex(name, "/")+1:], "-", "_")
		instructions = append(instructions, fmt.Sprintf("  import * as %s from \"%s\";", identifier, name))
	}
	return &pulumirpc.LinkResponse{ImportInstructions: strings.Join(instructions, "\n")}, nil
}

func packageName(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	var m manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	if m.Name == "" {
		return "", fmt.Errorf("%s: found no name; need one", file)
	}
	return m.Name, nil
}
