package local

import (
	"context"

	"github.com/pulumi/pulumi-go-provider/infer"
)

// Run is the function command:local:run.
type Run struct{}

// Annotate describes the function in the schema.
func (r *Run) Annotate(a infer.Annotator) {
	a.Describe(&r, "A command run on this machine at every preview and every deployment.")
}

// RunInputs are the function's arguments.
type RunInputs struct {
	BaseInputs
	Command string `pulumi:"command"`
}

// Annotate describes the arguments in the schema.
func (i *RunInputs) Annotate(a infer.Annotator) {
	i.BaseInputs.Annotate(a)
	a.Describe(&i.Command, "The command.")
}

// RunOutputs are the function's result.
type RunOutputs struct {
	RunInputs
	BaseOutputs
}

// Invoke runs the command.
func (r *Run) Invoke(
	ctx context.Context, req infer.FunctionRequest[RunInputs],
) (infer.FunctionResponse[RunOutputs], error) {
	outputs, err := execute(ctx, "local.run", req.Input.Command, req.Input.BaseInputs, BaseOutputs{})
	return infer.FunctionResponse[RunOutputs]{Output: RunOutputs{req.Input, outputs}}, err
}
