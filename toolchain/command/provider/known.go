package provider

import (
	"context"
	"slices"
	"strings"

	p "github.com/pulumi/pulumi-go-provider"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

var (
	resources = []string{
		"command:local:Command", "command:remote:Command",
		"command:remote:CopyToRemote", "command:remote:CopyFile",
	}
	functions = []string{"command:local:run"}
)

type (
	checkFunc  func(context.Context, p.CheckRequest) (p.CheckResponse, error)
	invokeFunc func(context.Context, p.InvokeRequest) (p.InvokeResponse, error)
)

// onlyKnown refuses an unknown resource type and lists the known ones. The
// engine calls Check before any other method of a resource.
func onlyKnown(check checkFunc) checkFunc {
	return func(ctx context.Context, req p.CheckRequest) (p.CheckResponse, error) {
		if token := string(req.Urn.Type()); !slices.Contains(resources, token) {
			return p.CheckResponse{}, unknown("resource", token, "one of "+strings.Join(resources, ", "))
		}
		return check(ctx, req)
	}
}

func onlyKnownFunctions(invoke invokeFunc) invokeFunc {
	return func(ctx context.Context, req p.InvokeRequest) (p.InvokeResponse, error) {
		if token := string(req.Token); !slices.Contains(functions, token) {
			return p.InvokeResponse{}, unknown("function", token, strings.Join(functions, ", "))
		}
		return invoke(ctx, req)
	}
}

func unknown(kind, found, need string) error {
	return status.Errorf(codes.NotFound, "plugin %s %s: found %s %s; need %s; fix: use @pulumi/command %[2]s",
		Name, Version, kind, found, need)
}
