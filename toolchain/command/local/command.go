package local

import (
	"context"

	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Command is the resource command:local:Command.
type Command struct{}

// Annotate describes the resource in the schema.
func (c *Command) Annotate(a infer.Annotator) {
	a.Describe(&c, "A command run on this machine as the resource is created, updated and deleted. "+
		"Any exit status but 0 is a failure.")
}

// CommandInputs are the resource's inputs.
type CommandInputs struct {
	BaseInputs
	Triggers *[]any  `pulumi:"triggers,optional" provider:"replaceOnChanges"`
	Create   *string `pulumi:"create,optional"`
	Update   *string `pulumi:"update,optional"`
	Delete   *string `pulumi:"delete,optional"`
}

// Annotate describes the inputs in the schema.
func (i *CommandInputs) Annotate(a infer.Annotator) {
	i.BaseInputs.Annotate(a)
	a.Describe(&i.Triggers, "Values of any type. A change updates the resource if it has an update command, "+
		"else replaces it.")
	a.Describe(&i.Create, "Run once at creation, and at an update if there is no update command.")
	a.Describe(&i.Update, "Run when inputs change. By default the create command.")
	a.Describe(&i.Delete, "Run at deletion.")
}

// CommandOutputs are the resource's state.
type CommandOutputs struct {
	CommandInputs
	BaseOutputs
}

// Create runs the create command.
func (c *Command) Create(
	ctx context.Context, req infer.CreateRequest[CommandInputs],
) (infer.CreateResponse[CommandOutputs], error) {
	resp := infer.CreateResponse[CommandOutputs]{Output: CommandOutputs{CommandInputs: req.Inputs}}
	id, err := resource.NewUniqueHex(req.Name, 8, 0)
	if err != nil {
		return resp, err
	}
	resp.ID = id
	if req.DryRun || req.Inputs.Create == nil {
		return resp, nil
	}
	resp.Output.BaseOutputs, err = execute(ctx, "local.Command create", *req.Inputs.Create,
		req.Inputs.BaseInputs, BaseOutputs{})
	return resp, err
}

// Update runs the update command, or the create command if there is none.
func (c *Command) Update(
	ctx context.Context, req infer.UpdateRequest[CommandInputs, CommandOutputs],
) (infer.UpdateResponse[CommandOutputs], error) {
	resp := infer.UpdateResponse[CommandOutputs]{
		Output: CommandOutputs{CommandInputs: req.Inputs, BaseOutputs: req.State.BaseOutputs},
	}
	restore(req.State.BaseInputs, resp.Output.BaseOutputs)
	what, command := "local.Command update", req.Inputs.Update
	if command == nil {
		what, command = "local.Command create, run as update", req.Inputs.Create
	}
	if req.DryRun || command == nil {
		return resp, nil
	}
	outputs, err := execute(ctx, what, *command, req.Inputs.BaseInputs, req.State.BaseOutputs)
	if err == nil {
		resp.Output.BaseOutputs = outputs
	}
	return resp, err
}

// Delete runs the delete command.
func (c *Command) Delete(
	ctx context.Context, req infer.DeleteRequest[CommandOutputs],
) (infer.DeleteResponse, error) {
	if req.State.Delete == nil {
		return infer.DeleteResponse{}, nil
	}
	_, err := execute(ctx, "local.Command delete", *req.State.Delete, req.State.BaseInputs, req.State.BaseOutputs)
	return infer.DeleteResponse{}, err
}
