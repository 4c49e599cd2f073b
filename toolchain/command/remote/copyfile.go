package remote

import (
	"context"

	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// CopyFile is the resource command:remote:CopyFile, which CopyToRemote has
// replaced. It has no update: every change is a replacement.
type CopyFile struct{}

// Annotate describes the resource in the schema.
func (c *CopyFile) Annotate(a infer.Annotator) {
	a.Describe(&c, "A file copied to another host over SFTP.")
	a.Deprecate(&c, "Use CopyToRemote.")
}

// CopyFileInputs are the resource's inputs.
type CopyFileInputs struct {
	Connection *Connection `pulumi:"connection" provider:"secret"`
	Triggers   *[]any      `pulumi:"triggers,optional"`
	LocalPath  string      `pulumi:"localPath"`
	RemotePath string      `pulumi:"remotePath"`
}

// Annotate describes the inputs in the schema.
func (i *CopyFileInputs) Annotate(a infer.Annotator) {
	a.Describe(&i.Connection, "How to reach the host.")
	a.Describe(&i.Triggers, "Values of any type. A change replaces the resource.")
	a.Describe(&i.LocalPath, "Path of the file on this machine.")
	a.Describe(&i.RemotePath, "Path on the host.")
}

// CopyFileOutputs are the resource's state.
type CopyFileOutputs struct {
	CopyFileInputs
}

// Create copies the file.
func (c *CopyFile) Create(
	ctx context.Context, req infer.CreateRequest[CopyFileInputs],
) (infer.CreateResponse[CopyFileOutputs], error) {
	resp := infer.CreateResponse[CopyFileOutputs]{Output: CopyFileOutputs{req.Inputs}}
	if req.DryRun {
		return resp, nil
	}
	from := source{path: req.Inputs.LocalPath, file: true}
	if err := upload(ctx, "remote.CopyFile", *req.Inputs.Connection, from, req.Inputs.RemotePath); err != nil {
		return resp, err
	}
	var err error
	resp.ID, err = resource.NewUniqueHex("", 8, 0)
	return resp, err
}
