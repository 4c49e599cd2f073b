package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"

	"github.com/pulumi/pulumi/sdk/v3"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// kindPolicyPack is the engine's plugin kind of policy packs.
const kindPolicyPack = "analyzer"

// RunPlugin runs a policy pack or a component package until it ends or the engine cancels it.
func (h *host) RunPlugin(
	req *pulumirpc.RunPluginRequest, stream pulumirpc.LanguageRuntime_RunPluginServer,
) error {
	ctx, done := h.bounded(stream.Context())
	defer done()

	closer, stdout, stderr, err := rpcutil.MakeRunPluginStreams(stream, false)
	if err != nil {
		return err
	}
	defer closer.Close()

	if req.GetKind() == kindPolicyPack {
		err = h.runPolicyPack(ctx, req, stdout, stderr)
	} else {
		err = h.runComponents(ctx, req, stdout, stderr)
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return stream.Send(&pulumirpc.RunPluginResponse{
			Output: &pulumirpc.RunPluginResponse_Exitcode{Exitcode: int32(exit.ExitCode())},
		})
	}
	return err
}

func (h *host) runComponents(ctx context.Context, req *pulumirpc.RunPluginRequest, stdout, stderr io.Writer) error {
	args := append([]string{req.GetInfo().GetProgramDirectory()}, req.GetArgs()...)
	cmd, err := pluginCommand(ctx, req, req.GetPwd(), "run-plugin", args)
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	return onOneThread(cmd.Run)
}

// runPolicyPack puts the SDK's proxy between engine and pack: the engine sends the stack's configuration by
// RPC after the start, but a Node policy pack expects it in its environment before the start.
func (h *host) runPolicyPack(ctx context.Context, req *pulumirpc.RunPluginRequest, stdout, stderr io.Writer) error {
	dir := req.GetInfo().GetProgramDirectory()
	args := append(append([]string{}, req.GetArgs()...), dir)
	// Policy packs read their files relative to themselves, so they run in their own directory.
	cmd, err := pluginCommand(ctx, req, dir, "run-policy-pack", args)
	if err != nil {
		return err
	}

	proxy, packStdout, err := sdk.NewPolicyProxy(ctx, stdout)
	if err != nil {
		return fmt.Errorf("policy pack %s: could not start its proxy: %w", dir, err)
	}
	configuration, err := proxy.AwaitConfiguration(ctx)
	if err != nil {
		return fmt.Errorf("policy pack %s: no stack configuration: %w", dir, err)
	}
	stackEnv, err := policyEnvironment(configuration)
	if err != nil {
		return err
	}
	cmd.Env = append(cmd.Env, stackEnv...)
	cmd.Stdout, cmd.Stderr = packStdout, stderr
	return onOneThread(func() error {
		if err := cmd.Start(); err != nil {
			return fmt.Errorf("policy pack %s: could not start: %w", dir, err)
		}
		return proxy.Attach(ctx, cmd)
	})
}

func pluginCommand(
	ctx context.Context, req *pulumirpc.RunPluginRequest, dir, entry string, args []string,
) (*exec.Cmd, error) {
	opts, err := parseOptions(req.GetInfo().GetOptions())
	if err != nil {
		return nil, err
	}
	node, err := findNode()
	if err != nil {
		return nil, err
	}
	script, err := sdkEntryPoint(req.GetInfo().GetProgramDirectory(), entry)
	if err != nil {
		return nil, err
	}
	cmd := command(ctx, dir, node, append(append(opts.nodeArgs, script), args...)...)
	cmd.Env = append(append(os.Environ(), req.GetEnv()...), opts.environment()...)
	return cmd, nil
}

// policyEnvironment passes the stack to a Node policy pack; outside of an update there is no stack.
func policyEnvironment(stack *pulumirpc.AnalyzerStackConfigureRequest) ([]string, error) {
	if stack == nil {
		return nil, nil
	}
	env, err := configEnvironment(stack.GetConfig(), stack.GetConfigSecretKeys())
	if err != nil {
		return nil, err
	}
	add := func(name, value string) {
		if value != "" {
			env = append(env, "PULUMI_NODEJS_"+name+"="+value, "PULUMI_"+name+"="+value)
		}
	}
	add("ORGANIZATION", stack.GetOrganization())
	add("PROJECT", stack.GetProject())
	add("STACK", stack.GetStack())
	add("DRY_RUN", strconv.FormatBool(stack.GetDryRun()))
	return env, nil
}
