// Package local runs commands on the engine's machine.
package local

import (
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi-go-provider/infer/types"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// BaseInputs are the common inputs of Command and run.
type BaseInputs struct {
	Stdin                  *string            `pulumi:"stdin,optional"`
	Logging                *Logging           `pulumi:"logging,optional"`
	Interpreter            *[]string          `pulumi:"interpreter,optional"`
	Dir                    *string            `pulumi:"dir,optional"`
	Environment            *map[string]string `pulumi:"environment,optional"`
	AssetPaths             *[]string          `pulumi:"assetPaths,optional"`
	ArchivePaths           *[]string          `pulumi:"archivePaths,optional"`
	AddPreviousOutputInEnv *bool              `pulumi:"addPreviousOutputInEnv,optional"`
}

const globRules = " Globs match files, relative to dir, with / as separator: * stays inside one folder, " +
	"** crosses folders, a leading ! excludes; the last rule that matches decides."

// Annotate describes the inputs in the schema.
func (b *BaseInputs) Annotate(a infer.Annotator) {
	a.Describe(&b.Stdin, "Text for the command's standard input.")
	a.Describe(&b.Logging, "Which streams go to the engine's log, both by default. "+
		"The outputs hold both streams in any case; mark them by additionalSecretOutputs if they are secret.")
	a.Describe(&b.Interpreter, "Program and arguments that run the command. By default /bin/sh -c.")
	a.Describe(&b.Dir, "Directory the command runs in. It must exist.")
	a.Describe(&b.Environment, "Variables added to the command's environment.")
	a.Describe(&b.AssetPaths, "Files to return as assets after the command."+globRules)
	a.Describe(&b.ArchivePaths, "Files to return as one archive after the command."+globRules)
	a.Describe(&b.AddPreviousOutputInEnv, "Whether the output of the last create or update is given to the "+
		"next command as PULUMI_COMMAND_STDOUT and PULUMI_COMMAND_STDERR. On by default.")
}

// BaseOutputs are the outputs of a run.
type BaseOutputs struct {
	Stdout  string                           `pulumi:"stdout"`
	Stderr  string                           `pulumi:"stderr"`
	Assets  *map[string]types.AssetOrArchive `pulumi:"assets,optional"`
	Archive *resource.Archive                `pulumi:"archive,optional"`
}

// Annotate describes the outputs in the schema.
func (b *BaseOutputs) Annotate(a infer.Annotator) {
	a.Describe(&b.Stdout, "The command's standard output, without the last newline.")
	a.Describe(&b.Stderr, "The command's standard error, without the last newline.")
	a.Describe(&b.Assets, "Files found by assetPaths, by path relative to dir.")
	a.Describe(&b.Archive, "Files found by archivePaths.")
}
