package main

import (
	"strings"
	"testing"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

func TestDependencyOf(t *testing.T) {
	cases := []struct {
		name, text    string
		plugin, error string
	}{
		{name: "named in its section", plugin: "command v1.2.1",
			text: `{"name": "@pulumi/command", "version": "1.0.0", "pulumi": {"resource": true, "name": "command", "version": "1.2.1"}}`},
		{name: "named by the package", plugin: "random v4.0.0",
			text: `{"name": "@pulumi/random", "version": "4.0.0", "pulumi": {"resource": true}}`},
		{name: "of another scope", plugin: "acme/thing v1.0.0",
			text: `{"name": "@acme/thing", "version": "v1.0.0", "pulumi": {"resource": true}}`},
		{name: "the SDK itself", text: `{"name": "@pulumi/pulumi", "version": "3.0.0", "pulumi": {"comment": "x"}}`},
		{name: "no plugin", text: `{"name": "yaml", "version": "2.0.0"}`},
		{name: "resource switched off", text: `{"name": "a", "version": "1.0.0", "pulumi": {"resource": false}}`},
		{name: "a foreign section", text: `{"name": "a", "version": "1.0.0", "pulumi": "yes"}`},
		{name: "a section of another type", text: `{"name": "a", "version": "1.0.0", "pulumi": {"resource": "true"}}`},
		{name: "not JSON", text: `{`},
		{name: "no version", error: "; need both", text: `{"name": "a", "pulumi": {"resource": true}}`},
		{name: "bad parameter", error: "not base64",
			text: `{"name": "a", "version": "1.0.0", "pulumi": {"resource": true, "parameterization": {"name": "b", "value": "%"}}}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dependency, err := dependencyOf([]byte(c.text))
			if c.error != "" {
				if err == nil || !strings.Contains(err.Error(), c.error) {
					t.Fatalf("found error %v; need %q", err, c.error)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			found := ""
			if dependency != nil {
				found = dependency.Name + " " + dependency.Version
			}
			if found != c.plugin {
				t.Fatalf("found %q; need %q", found, c.plugin)
			}
		})
	}
}

func TestRequiredPackagesReadsTheParameterOfABridgedSdk(t *testing.T) {
	p := newProject(t)
	p.write("sdks/libvirt/package.json", `{"name": "@pulumi/libvirt", "version": "0.8.3", "pulumi": {
		"resource": true, "name": "terraform-provider", "version": "1.1.0",
		"parameterization": {"name": "libvirt", "version": "0.8.3", "value": "aGVsbG8="}}}`)
	p.link("sdks/libvirt", "node_modules/@pulumi/libvirt")

	packages := packagesOf(t, p.dir)
	if len(packages) != 1 {
		t.Fatalf("found %v; need one package", packages)
	}
	found := packages[0]
	if found.Name != "terraform-provider" || found.Version != "v1.1.0" || found.Kind != "resource" {
		t.Fatalf("found %v; need the base plugin", found)
	}
	parameter := found.Parameterization
	if parameter.GetName() != "libvirt" || parameter.GetVersion() != "0.8.3" || string(parameter.GetValue()) != "hello" {
		t.Fatalf("found %v; need the decoded parameter", parameter)
	}
}

func TestRequiredPackagesFindsNestedAndHoistedOnesOnce(t *testing.T) {
	p := newProject(t)
	plugin := func(version string) string {
		return `{"name": "@pulumi/a", "version": "` + version + `", "pulumi": {"resource": true}}`
	}
	p.write("node_modules/@pulumi/a/package.json", plugin("1.0.0"))
	p.write("node_modules/wrapper/package.json", `{"name": "wrapper"}`)
	p.write("node_modules/wrapper/node_modules/@pulumi/a/package.json", plugin("2.0.0"))
	p.write("node_modules/copy/node_modules/@pulumi/a/package.json", plugin("1.0.0"))
	p.write("node_modules/copy/package.json", `{"name": "copy"}`)
	p.write("node_modules/.bin/package.json", plugin("9.0.0"))
	p.write("node_modules/file", "not a directory")
	// A workspace of the project, and a linked package that links back to the project.
	p.write("program/node_modules/local/package.json", `{"name": "local", "version": "3.0.0", "pulumi": {"resource": true}}`)
	p.write("linked/package.json", `{"name": "linked"}`)
	p.link("linked", "node_modules/linked")
	p.link("node_modules", "linked/node_modules")

	var names []string
	for _, found := range packagesOf(t, p.dir+"/program") {
		names = append(names, found.Name+" "+found.Version)
	}
	if got := strings.Join(names, ", "); got != "a v1.0.0, a v2.0.0, local v3.0.0" {
		t.Fatalf("found %s", got)
	}
}

func TestRequiredPackagesWithoutTheSdkNamesTheFix(t *testing.T) {
	_, err := requiredPackages(t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "run npm ci") {
		t.Fatalf("found %v; need the fix", err)
	}
}

func packagesOf(t *testing.T, dir string) []*pulumirpc.PackageDependency {
	t.Helper()
	packages, err := requiredPackages(dir)
	if err != nil {
		t.Fatal(err)
	}
	return packages
}
