// Package provider combines the resources under the published name.
package provider

import (
	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"

	"mirlab/toolchain/command/local"
	"mirlab/toolchain/command/remote"
)

const (
	// Name is the package name that every token starts with.
	Name = "command"
	// Version is the version of the published schema.
	Version = "1.2.1"
)

// New builds the provider.
func New() (p.Provider, error) {
	plugin, err := infer.NewProviderBuilder().
		WithDisplayName("Command").
		WithDescription("Run commands and copy files, on this machine or over SSH, as Pulumi resources.").
		WithKeywords("pulumi", "command", "category/utility", "kind/native").
		WithLicense("Apache-2.0").
		WithResources(
			infer.Resource(&local.Command{}),
			infer.Resource(&remote.Command{}),
			infer.Resource(&remote.CopyToRemote{}),
			infer.Resource(&remote.CopyFile{}),
		).
		WithFunctions(infer.Function(&local.Run{})).
		Build()
	if err != nil {
		return p.Provider{}, err
	}
	plugin.Check = onlyKnown(plugin.Check)
	plugin.Invoke = onlyKnownFunctions(plugin.Invoke)
	plugin.Diff = withTriggers(plugin.Diff)
	return plainUnknowns(plugin), nil
}
