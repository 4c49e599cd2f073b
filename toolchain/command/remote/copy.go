package remote

import (
	"context"
	"fmt"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi-go-provider/infer/types"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// CopyToRemote is the resource command:remote:CopyToRemote.
type CopyToRemote struct{}

// Annotate describes the resource in the schema.
func (c *CopyToRemote) Annotate(a infer.Annotator) {
	a.Describe(&c, "A file, a text or a directory copied to another host over SFTP. "+
		"Deleting the resource leaves the copy there.")
}

// CopyToRemoteInputs are the resource's inputs.
type CopyToRemoteInputs struct {
	Connection *Connection          `pulumi:"connection" provider:"secret"`
	Triggers   *[]any               `pulumi:"triggers,optional" provider:"replaceOnChanges"`
	Source     types.AssetOrArchive `pulumi:"source"`
	RemotePath string               `pulumi:"remotePath"`
}

// Annotate describes the inputs in the schema.
func (i *CopyToRemoteInputs) Annotate(a infer.Annotator) {
	a.Describe(&i.Connection, "How to reach the host.")
	a.Describe(&i.Triggers, "Values of any type. A change replaces the resource.")
	a.Describe(&i.Source, "A FileAsset, a StringAsset or a FileArchive. Archive files are not unpacked; "+
		"directories are copied with all below them.")
	a.Describe(&i.RemotePath, "Path on the host. Missing parent directories are created. "+
		"The source goes into an existing directory; a file replaces an existing file.")
}

// CopyToRemoteOutputs are the resource's state.
type CopyToRemoteOutputs struct {
	CopyToRemoteInputs
}

// Check refuses sources without local content.
func (c *CopyToRemote) Check(
	ctx context.Context, req infer.CheckRequest,
) (infer.CheckResponse[CopyToRemoteInputs], error) {
	inputs, failures, err := infer.DefaultCheck[CopyToRemoteInputs](ctx, req.NewInputs)
	resp := infer.CheckResponse[CopyToRemoteInputs]{Inputs: inputs, Failures: failures}
	if err != nil || len(failures) > 0 || req.NewInputs.Get("source").HasComputed() {
		return resp, err
	}
	if _, err := newSource(inputs.Source); err != nil {
		resp.Failures = append(resp.Failures, p.CheckFailure{Property: "source", Reason: err.Error()})
	}
	return resp, nil
}

// Create copies the source.
func (c *CopyToRemote) Create(
	ctx context.Context, req infer.CreateRequest[CopyToRemoteInputs],
) (infer.CreateResponse[CopyToRemoteOutputs], error) {
	resp := infer.CreateResponse[CopyToRemoteOutputs]{Output: CopyToRemoteOutputs{req.Inputs}}
	if req.DryRun {
		return resp, nil
	}
	if err := req.Inputs.copy(ctx); err != nil {
		return resp, err
	}
	var err error
	resp.ID, err = resource.NewUniqueHex("", 8, 0)
	return resp, err
}

// Update copies the source again.
func (c *CopyToRemote) Update(
	ctx context.Context, req infer.UpdateRequest[CopyToRemoteInputs, CopyToRemoteOutputs],
) (infer.UpdateResponse[CopyToRemoteOutputs], error) {
	resp := infer.UpdateResponse[CopyToRemoteOutputs]{Output: CopyToRemoteOutputs{req.Inputs}}
	if req.DryRun {
		return resp, nil
	}
	return resp, req.Inputs.copy(ctx)
}

func (i CopyToRemoteInputs) copy(ctx context.Context) error {
	from, err := newSource(i.Source)
	if err != nil {
		return fmt.Errorf("remote.CopyToRemote: source: %w", err)
	}
	return upload(ctx, "remote.CopyToRemote", *i.Connection, from, i.RemotePath)
}

// source is a local path or a text.
type source struct {
	path string
	text string
	file bool
}

func newSource(from types.AssetOrArchive) (source, error) {
	switch {
	case from.Archive != nil && from.Archive.IsPath():
		return source{path: from.Archive.Path, file: true}, nil
	case from.Asset != nil && from.Asset.IsPath():
		return source{path: from.Asset.Path, file: true}, nil
	case from.Asset != nil && from.Asset.IsText():
		return source{text: from.Asset.Text}, nil
	default:
		return source{}, fmt.Errorf("found an asset or archive without a local path or text; " +
			"need a FileAsset, a StringAsset or a FileArchive; fix: download or write it first")
	}
}
