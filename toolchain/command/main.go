// pulumi-resource-command is the plugin of @pulumi/command, built from public
// Go modules for machines that cannot download the vendor's binary.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	p "github.com/pulumi/pulumi-go-provider"

	"mirlab/toolchain/command/provider"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "pulumi-resource-command:", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	plugin, err := provider.New()
	if err != nil {
		return err
	}
	// The server waits for running calls before it stops. Cancel them, or the
	// stopped plugin leaves their child processes as orphans.
	go func() {
		<-ctx.Done()
		_ = plugin.Cancel(context.Background())
	}()
	return p.RunProvider(ctx, provider.Name, provider.Version, plugin)
}
