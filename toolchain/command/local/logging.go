package local

import (
	"github.com/pulumi/pulumi-go-provider/infer"

	"mirlab/toolchain/command/internal/output"
)

// Logging is the published enum. Both packages declare it because its token
// contains the package's name.
type Logging string

// Values lists the enum for the schema.
func (Logging) Values() []infer.EnumValue[Logging] {
	return []infer.EnumValue[Logging]{
		{Name: "Stdout", Value: Logging(output.Stdout), Description: "Log standard output only"},
		{Name: "Stderr", Value: Logging(output.Stderr), Description: "Log standard error only"},
		{Name: "StdoutAndStderr", Value: Logging(output.StdoutAndStderr), Description: "Log both streams"},
		{Name: "None", Value: Logging(output.None), Description: "Log neither stream"},
	}
}

func (l *Logging) setting() output.Logging {
	if l == nil {
		return ""
	}
	return output.Logging(*l)
}
