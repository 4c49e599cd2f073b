package main

import (
	"errors"
	"fmt"
	"os/exec"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// InstallDependencies runs npm. It uses `npm install`, not `npm ci`: `pulumi package add` has just added a line
// to package.json that the lock file lacks. Where the two agree, `npm install` changes neither.
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
		return fmt.Errorf("npm install in %s: found %w; need exit status 0; fix: see its output above", dir, err)
	}
	return closer.Close()
}

func findNpm() (string, error) {
	path, err := exec.LookPath("npm")
	if err != nil {
		return "", errors.New("npm: found none on PATH; need npm; fix: install it (Debian: apt-get install npm)")
	}
	return path, nil
}
