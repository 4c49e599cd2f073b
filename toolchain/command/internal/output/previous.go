package output

import "strings"

// Variables that pass the previous run's output to the next run.
const (
	PreviousStdout = "PULUMI_COMMAND_STDOUT"
	PreviousStderr = "PULUMI_COMMAND_STDERR"
)

// envLimit is just below Linux's limit of 128 KiB for one variable. Above it the
// command could not start.
const envLimit = 128<<10 - 64

// Previous returns the variables for the previous output. It leaves out an empty
// one, and lists in skipped those whose value cannot be a variable's.
func Previous(stdout, stderr string) (env map[string]string, skipped []string) {
	env = map[string]string{}
	for _, one := range []struct{ name, value string }{{PreviousStdout, stdout}, {PreviousStderr, stderr}} {
		switch {
		case one.value == "":
		case len(one.value) > envLimit || strings.ContainsRune(one.value, 0):
			skipped = append(skipped, one.name)
		default:
			env[one.name] = one.value
		}
	}
	return env, skipped
}
