package local

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"

	p "github.com/pulumi/pulumi-go-provider"

	"mirlab/toolchain/command/internal/output"
	"mirlab/toolchain/command/internal/process"
)

// execute runs one command to its end and returns its outputs. A failure does
// not quote the command, which may hold secrets.
func execute(
	ctx context.Context, what, command string, in BaseInputs, previous BaseOutputs,
) (BaseOutputs, error) {
	dir, err := workDir(what, in.Dir)
	if err != nil {
		return BaseOutputs{}, err
	}
	argv := []string{"/bin/sh", "-c"}
	if in.Interpreter != nil && len(*in.Interpreter) > 0 {
		argv = append([]string(nil), *in.Interpreter...)
	}
	argv = append(argv, command)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = dir
	cmd.Env = environment(ctx, in, previous)
	if in.Stdin != nil && *in.Stdin != "" {
		cmd.Stdin = strings.NewReader(*in.Stdin)
	}
	capture := output.New(ctx, in.Logging.setting())
	cmd.Stdout, cmd.Stderr = capture.Stdout(), capture.Stderr()
	err = process.Run(ctx, cmd)
	stdout, stderr := capture.Finish()
	if err != nil {
		return BaseOutputs{}, fmt.Errorf(
			"%s: found %w; need exit status 0; fix: see its output:\n%s", what, err, capture.Shown())
	}
	out := BaseOutputs{Stdout: stdout, Stderr: stderr}
	if out.Assets, err = assets(dir, in.AssetPaths); err != nil {
		return BaseOutputs{}, fmt.Errorf("%s: assetPaths: %w", what, err)
	}
	if out.Archive, err = archive(dir, in.ArchivePaths); err != nil {
		return BaseOutputs{}, fmt.Errorf("%s: archivePaths: %w", what, err)
	}
	return out, nil
}

// workDir keeps a relative path relative: it becomes part of asset paths, and
// absolute paths would tie the state to one machine.
func workDir(what string, dir *string) (string, error) {
	if dir == nil || *dir == "" {
		return ".", nil
	}
	info, err := os.Stat(*dir)
	if err != nil {
		return "", fmt.Errorf("%s: dir: found %w; need a directory; fix: create it or set dir", what, err)
	}
	if !info.IsDir() {
		return "", fmt.Errorf("%s: dir: found a file at %s; need a directory; fix: set dir", what, *dir)
	}
	return *dir, nil
}

func environment(ctx context.Context, in BaseInputs, previous BaseOutputs) []string {
	env := os.Environ()
	if in.Environment != nil {
		for name, value := range *in.Environment {
			env = append(env, name+"="+value)
		}
	}
	if in.AddPreviousOutputInEnv != nil && !*in.AddPreviousOutputInEnv {
		return env
	}
	values, skipped := output.Previous(previous.Stdout, previous.Stderr)
	for name, value := range values {
		env = append(env, name+"="+value)
	}
	if len(skipped) > 0 {
		p.GetLogger(ctx).Warningf("previous output does not fit into the environment; not passed: %s",
			strings.Join(skipped, ", "))
	}
	return env
}
