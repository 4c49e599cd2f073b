package local

import (
	"context"
	"path"

	"github.com/pulumi/pulumi-go-provider/infer"
)

// Read runs nothing: a command has no state to read. It restores the paths of
// assets: the engine sends their hashes only, and a program cannot use an asset
// without its path.
func (c *Command) Read(
	_ context.Context, req infer.ReadRequest[CommandInputs, CommandOutputs],
) (infer.ReadResponse[CommandInputs, CommandOutputs], error) {
	restore(req.State.BaseInputs, req.State.BaseOutputs)
	return infer.ReadResponse[CommandInputs, CommandOutputs]{
		ID: req.ID, Inputs: req.Inputs, State: req.State,
	}, nil
}

// restore sets the paths of assets again. The hashes stay those of the last
// run: a later change of the files does not change the outputs.
func restore(in BaseInputs, out BaseOutputs) {
	dir := "."
	if in.Dir != nil && *in.Dir != "" {
		dir = *in.Dir
	}
	if out.Assets != nil {
		for name, found := range *out.Assets {
			if found.Asset != nil && found.Asset.Path == "" {
				found.Asset.Text, found.Asset.Path = "", path.Join(dir, name)
			}
		}
	}
	if out.Archive == nil || in.ArchivePaths == nil || len(out.Archive.Assets) > 0 {
		return
	}
	// The members' names are missing too; the globs find them again.
	members, err := find(dir, *in.ArchivePaths)
	if err != nil {
		return
	}
	out.Archive.Assets = make(map[string]any, len(members))
	for name, member := range members {
		out.Archive.Assets[name] = member
	}
}
