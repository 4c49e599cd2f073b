package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// About reports which Node.js runs the programs.
func (h *host) About(ctx context.Context, _ *pulumirpc.AboutRequest) (*pulumirpc.AboutResponse, error) {
	ctx, done := h.bounded(ctx)
	defer done()
	node, err := findNode()
	if err != nil {
		return nil, err
	}
	version, err := command(ctx, "", node, "--version").Output()
	if err != nil {
		return nil, fmt.Errorf("%s --version: %w", node, err)
	}
	return &pulumirpc.AboutResponse{Executable: node, Version: strings.TrimSpace(string(version))}, nil
}

// GetProgramDependencies lists npm packages from the lock file, which is exact and needs no npm.
func (h *host) GetProgramDependencies(
	_ context.Context, req *pulumirpc.GetProgramDependenciesRequest,
) (*pulumirpc.GetProgramDependenciesResponse, error) {
	dependencies, err := programDependencies(req.GetInfo().GetProgramDirectory(), req.GetTransitiveDependencies())
	if err != nil {
		return nil, err
	}
	return &pulumirpc.GetProgramDependenciesResponse{Dependencies: dependencies}, nil
}

type lockFile struct {
	Packages map[string]struct {
		Version         string            `json:"version"`
		Link            bool              `json:"link"`
		Resolved        string            `json:"resolved"`
		Dependencies    map[string]string `json:"dependencies"`
		DevDependencies map[string]string `json:"devDependencies"`
	} `json:"packages"`
}

func programDependencies(dir string, transitive bool) ([]*pulumirpc.DependencyInfo, error) {
	path := filepath.Join(dir, "package-lock.json")
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: found %w; need a readable lock file; fix: run npm install there", path, err)
	}
	var lock lockFile
	if err := json.Unmarshal(text, &lock); err != nil {
		return nil, fmt.Errorf("%s: found %w; need a readable lock file; fix: run npm install there", path, err)
	}

	program := lock.Packages[""]
	var found []*pulumirpc.DependencyInfo
	for location, entry := range lock.Packages {
		name, installed := strings.CutPrefix(location, "node_modules/")
		if !installed {
			continue
		}
		_, direct := program.Dependencies[name]
		_, dev := program.DevDependencies[name]
		if !direct && !dev && !transitive {
			continue
		}
		version := entry.Version
		if entry.Link {
			version = lock.Packages[entry.Resolved].Version
		}
		if at := strings.LastIndex(name, "node_modules/"); at >= 0 {
			name = name[at+len("node_modules/"):]
		}
		found = append(found, &pulumirpc.DependencyInfo{Name: name, Version: version})
	}
	sort.Slice(found, func(i, j int) bool {
		if found[i].Name != found[j].Name {
			return found[i].Name < found[j].Name
		}
		return found[i].Version < found[j].Version
	})
	return found, nil
}
