package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// manifest is the part of a package.json that names the package's Pulumi plugin.
type manifest struct {
	Name    string   `json:"name"`
	Version string   `json:"version"`
	Pulumi  metadata `json:"pulumi"`
}

type metadata struct {
	Resource         bool       `json:"resource"`
	Name             string     `json:"name"`
	Version          string     `json:"version"`
	Server           string     `json:"server"`
	Parameterization *parameter `json:"parameterization"`
	Extension        *parameter `json:"extensionParameterization"`
}

type parameter struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Value   string `json:"value"`
}

// GetRequiredPackages lists the plugins that the installed npm packages need.
func (h *host) GetRequiredPackages(
	_ context.Context, req *pulumirpc.GetRequiredPackagesRequest,
) (*pulumirpc.GetRequiredPackagesResponse, error) {
	packages, err := requiredPackages(req.GetInfo().GetProgramDirectory())
	if err != nil {
		return nil, err
	}
	return &pulumirpc.GetRequiredPackagesResponse{Packages: packages}, nil
}

// requiredPackages reads every node_modules from the program's directory up to the one with the SDK: npm
// workspaces spread a program's packages over these.
func requiredPackages(program string) ([]*pulumirpc.PackageDependency, error) {
	dir, err := filepath.Abs(program)
	if err != nil {
		return nil, err
	}
	last, err := findModuleRoot(dir, sdkPackage)
	if err != nil {
		return nil, err
	}

	found := map[string]*pulumirpc.PackageDependency{}
	seen := map[string]bool{}
	for at := dir; ; at = filepath.Dir(at) {
		if err := scanModules(filepath.Join(at, "node_modules"), seen, found); err != nil {
			return nil, err
		}
		if at == last {
			break
		}
	}

	keys := make([]string, 0, len(found))
	for key := range found {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	packages := make([]*pulumirpc.PackageDependency, 0, len(keys))
	for _, key := range keys {
		packages = append(packages, found[key])
	}
	return packages, nil
}

// scanModules adds the plugins of one node_modules directory and of the directories nested in its packages.
func scanModules(modules string, seen map[string]bool, found map[string]*pulumirpc.PackageDependency) error {
	// Linked packages (`file:`) may link to each other: scan each real path once.
	real, err := filepath.EvalSymlinks(modules)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if seen[real] {
		return nil
	}
	seen[real] = true

	entries, err := os.ReadDir(real)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := entry.Name()
		path := filepath.Join(real, name)
		switch {
		case strings.HasPrefix(name, "."):
		case strings.HasPrefix(name, "@"):
			scoped, err := os.ReadDir(path)
			if err != nil {
				return err
			}
			for _, entry := range scoped {
				if err := scanPackage(filepath.Join(path, entry.Name()), seen, found); err != nil {
					return err
				}
			}
		default:
			if err := scanPackage(path, seen, found); err != nil {
				return err
			}
		}
	}
	return nil
}

func scanPackage(dir string, seen map[string]bool, found map[string]*pulumirpc.PackageDependency) error {
	file := filepath.Join(dir, "package.json")
	text, err := os.ReadFile(file)
	if err != nil {
		// Not a package: npm leaves other files and empty directories here.
		return nil
	}
	dependency, err := dependencyOf(text)
	if err != nil {
		return fmt.Errorf("%s: %w; fix: run npm ci to reinstall it", file, err)
	}
	if dependency != nil {
		key := strings.Join([]string{
			dependency.Name, dependency.Version,
			dependency.Parameterization.GetName(), dependency.Parameterization.GetVersion(),
			dependency.Extension.GetName(), dependency.Extension.GetVersion(),
		}, "\x00")
		found[key] = dependency
	}
	return scanModules(filepath.Join(dir, "node_modules"), seen, found)
}

// dependencyOf returns nil for a package without a plugin, which most npm packages are.
func dependencyOf(text []byte) (*pulumirpc.PackageDependency, error) {
	// Most packages have no such section, or one of another shape: check before unmarshalling all of it.
	var probe struct {
		Pulumi struct {
			Resource any `json:"resource"`
		} `json:"pulumi"`
	}
	if json.Unmarshal(text, &probe) != nil || probe.Pulumi.Resource != true {
		return nil, nil
	}
	var m manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("found %w; need a valid section pulumi", err)
	}

	dependency := &pulumirpc.PackageDependency{
		Kind:    "resource",
		Name:    m.Pulumi.Name,
		Version: m.Pulumi.Version,
		Server:  m.Pulumi.Server,
	}
	if dependency.Name == "" {
		dependency.Name = strings.TrimPrefix(strings.TrimPrefix(m.Name, "@pulumi/"), "@")
	}
	if dependency.Version == "" {
		dependency.Version = m.Version
	}
	if dependency.Name == "" || dependency.Version == "" {
		return nil, fmt.Errorf("found name %q and version %q; need both", dependency.Name, dependency.Version)
	}
	if !strings.HasPrefix(dependency.Version, "v") {
		dependency.Version = "v" + dependency.Version
	}

	var err error
	if dependency.Parameterization, err = m.Pulumi.Parameterization.message(); err != nil {
		return nil, err
	}
	dependency.Extension, err = m.Pulumi.Extension.message()
	return dependency, err
}

func (p *parameter) message() (*pulumirpc.PackageParameterization, error) {
	if p == nil {
		return nil, nil
	}
	value, err := base64.StdEncoding.DecodeString(p.Value)
	if err != nil {
		return nil, fmt.Errorf("found a parameterization value of %s that is not base64 (%w); need base64", p.Name, err)
	}
	return &pulumirpc.PackageParameterization{Name: p.Name, Version: p.Version, Value: value}, nil
}
