package remote

import (
	"context"

	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Command is the resource command:remote:Command.
type Command struct{}

// Annotate describes the resource in the schema.
func (c *Command) Annotate(a infer.Annotator) {
	a.Describe(&c, "A command run on another host over SSH as the resource is created, updated and deleted.")
}

// CommandInputs are the resource's inputs.
type CommandInputs struct {
	Connection             *Connection        `pulumi:"connection" provider:"secret"`
	Environment            *map[string]string `pulumi:"environment,optional"`
	Triggers               *[]any             `pulumi:"triggers,optional" provider:"replaceOnChanges"`
	Create                 *string            `pulumi:"create,optional"`
	Update                 *string            `pulumi:"update,optional"`
	Delete                 *string            `pulumi:"delete,optional"`
	Stdin                  *string            `pulumi:"stdin,optional"`
	Logging                *Logging           `pulumi:"logging,optional"`
	AddPreviousOutputInEnv *bool              `pulumi:"addPreviousOutputInEnv,optional"`
}

// Annotate describes the inputs in the schema.
func (i *CommandInputs) Annotate(a infer.Annotator) {
	a.Describe(&i.Connection, "How to reach the host.")
	a.Describe(&i.Environment, "Variables for the command. The server accepts only those that its AcceptEnv names.")
	a.Describe(&i.Triggers, "Values of any type. A change updates the resource if it has an update command, "+
		"else replaces it.")
	a.Describe(&i.Create, "Run once at creation, and at an update if there is no update command.")
	a.Describe(&i.Update, "Run when inputs change. By default the create command.")
	a.Describe(&i.Delete, "Run at deletion.")
	a.Describe(&i.Stdin, "Text for the command's standard input.")
	a.Describe(&i.Logging, "Which streams go to the engine's log, both by default. "+
		"The outputs hold both streams in any case; mark them by additionalSecretOutputs if they are secret.")
	a.Describe(&i.AddPreviousOutputInEnv, "Whether the output of the last create or update is given to the "+
		"next command as PULUMI_COMMAND_STDOUT and PULUMI_COMMAND_STDERR. On by default.")
}

// BaseOutputs are the outputs of a run.
type BaseOutputs struct {
	Stdout string `pulumi:"stdout"`
	Stderr string `pulumi:"stderr"`
}

// Annotate describes the outputs in the schema.
func (b *BaseOutputs) Annotate(a infer.Annotator) {
	a.Describe(&b.Stdout, "The command's standard output, without the last newline.")
	a.Describe(&b.Stderr, "The command's standard error, without the last newline.")
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
	resp.Output.BaseOutputs, err = execute(ctx, "remote.Command create", *req.Inputs.Create,
		req.Inputs, BaseOutputs{})
	return resp, err
}

// Update runs the update command, or the create command if there is none.
func (c *Command) Update(
	ctx context.Context, req infer.UpdateRequest[CommandInputs, CommandOutputs],
) (infer.UpdateResponse[CommandOutputs], error) {
	resp := infer.UpdateResponse[CommandOutputs]{
		Output: CommandOutputs{CommandInputs: req.Inputs, BaseOutputs: req.State.BaseOutputs},
	}
	what, command := "remote.Command update", req.Inputs.Update
	if command == nil {
		what, command = "remote.Command create, run as update", req.Inputs.Create
	}
	if req.DryRun || command == nil {
		return resp, nil
	}
	outputs, err := execute(ctx, what, *command, req.Inputs, req.State.BaseOutputs)
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
	_, err := execute(ctx, "remote.Command delete", *req.State.Delete, req.State.CommandInputs, req.State.BaseOutputs)
	return infer.DeleteResponse{}, err
}
