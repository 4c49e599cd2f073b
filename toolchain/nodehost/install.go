package main

import (
	"errors"
	"fmt"
	"os/exec"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// InstallDependencies runs npm. `npm install` and not `npm ci`: `pulumi package add` has just added a line to
// package.json that the lock file does not know yet; where both agree, install changes neither.
func (h *host) InstallDependencies(
	req *pulumirpc.InstallDependenciesRequest, stream pulumirpc.LanguageRuntime_InstallDependenciesServer,
) error {
	ctx, done := h.bounded(stream.Context())
	defer done()

	dir := req.GetInfo().GetProgramDirectory()
	if dir == "" {
		dir = req.GetDirectory()
	}
	if _, err := parseOptions(req.GetInfo().GetOptions()); err != nil {
		return err
	}
	npm, err := findNpm()
	if err != nil {
		return err
	}
	closer, stdout, stderr, err := rpcutil.MakeInstallDependenciesStreams(stream, req.GetIsTerminal())
	if err != nil {
		return err
	}
	defer closer.Close()

	cmd := command(ctx, dir, npm, "install", "--no-audit", "--no-fund", "--loglevel=error")
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if err := onOneThread(cmd.Run); err != nil {
		return fmt.Errorf("npm install in %s: %w", dir, err)
	}
	return closer.Close()
}

func findNpm() (string, error) {
	path, err := exec.LookPath("npm")
	if err != nil {
		return "", errors.New("npm: not on PATH, need npm (Debian: apt-get install npm)")
	}
	return path, nil
}
