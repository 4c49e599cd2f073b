package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

func TestProgramDependencies(t *testing.T) {
	p := newProject(t)
	p.write("package-lock.json", `{"lockfileVersion": 3, "packages": {
		"": {"dependencies": {"@pulumi/libvirt": "file:sdks/libvirt", "yaml": "2.9.1"}, "devDependencies": {"knip": "6"}},
		"node_modules/yaml": {"version": "2.9.1"},
		"node_modules/knip": {"version": "6.0.0"},
		"node_modules/knip/node_modules/yaml": {"version": "1.0.0"},
		"node_modules/@pulumi/libvirt": {"resolved": "sdks/libvirt", "link": true},
		"sdks/libvirt": {"name": "@pulumi/libvirt", "version": "0.8.3"}}}`)
	for transitive, need := range map[bool]string{
		false: "@pulumi/libvirt 0.8.3, knip 6.0.0, yaml 2.9.1",
		true:  "@pulumi/libvirt 0.8.3, knip 6.0.0, yaml 1.0.0, yaml 2.9.1",
	} {
		dependencies, err := programDependencies(p.dir, transitive)
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, dependency := range dependencies {
			found = append(found, dependency.Name+" "+dependency.Version)
		}
		if got := strings.Join(found, ", "); got != need {
			t.Errorf("transitive %v: found %s; need %s", transitive, got, need)
		}
	}
	if _, err := programDependencies(t.TempDir(), false); err == nil || !strings.Contains(err.Error(), "npm install") {
		t.Errorf("found %v; need the fix", err)
	}
}

func TestLinkAddsARelativeDependency(t *testing.T) {
	if _, err := findNpm(); err != nil {
		t.Skipf("runs real npm: %v", err)
	}
	p := newProject(t)
	p.write("package.json", "{\n  \"name\": \"lab\",\n  \"dependencies\": { \"yaml\": \"2.9.1\" }\n}\n")
	p.write("sdks/my-sdk/package.json", `{"name": "@pulumi/my-sdk", "version": "0.8.3"}`)
	resp, err := testHost(t).Link(context.Background(), &pulumirpc.LinkRequest{
		Info: p.info(), Packages: []*pulumirpc.LinkRequest_LinkDependency{{Path: "sdks/my-sdk"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if need := `import * as my_sdk from "@pulumi/my-sdk";`; !strings.Contains(resp.ImportInstructions, need) {
		t.Errorf("found %q; need %q", resp.ImportInstructions, need)
	}
	text, err := os.ReadFile(filepath.Join(p.dir, "package.json"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), `"@pulumi/my-sdk": "file:sdks/my-sdk"`) || !strings.Contains(string(text), `"yaml"`) {
		t.Errorf("found %s", text)
	}
}
