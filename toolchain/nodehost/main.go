// pulumi-language-nodejs lets the Pulumi engine run Node.js programs, policy packs and plugins. It is built
// where the vendor's release cannot be downloaded. Both speak the same protocol, so each can replace the other.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/logging"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// Interval of the checks that the engine still runs. This process must end with a killed engine.
const engineCheckInterval = 15 * time.Second

func main() {
	if err := serve(); err != nil {
		fmt.Fprintf(os.Stderr, "pulumi-language-nodejs: %v\n", err)
		os.Exit(1)
	}
}

func serve() error {
	// The engine passes -tracing, -v and -logtostderr to every plugin; the log package declares the last two.
	tracing := flag.String("tracing", "", "address that receives traces")
	flag.Parse()
	logging.InitLogging(false, 0, false)

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	engine := flag.Arg(0)
	if engine != "" {
		if err := rpcutil.Healthcheck(ctx, engine, engineCheckInterval, cancel); err != nil {
			return fmt.Errorf("could not watch the engine at %s: %w", engine, err)
		}
	}

	stop := make(chan bool, 1)
	go func() {
		<-ctx.Done()
		stop <- true
	}()
	handle, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{
		Cancel: stop,
		Init: func(server *grpc.Server) error {
			pulumirpc.RegisterLanguageRuntimeServer(server, newHost(ctx, engine, *tracing))
			return nil
		},
	})
	if err != nil {
		return fmt.Errorf("could not serve: %w", err)
	}

	// The engine reads the port from the first line of stdout.
	fmt.Printf("%d\n", handle.Port)
	return <-handle.Done
}
