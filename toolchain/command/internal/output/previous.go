package output

import "strings"

// Names of the variables that hand the previous run's output to the next.
const (
	PreviousStdout = "PULUMI_COMMAND_STDOUT"
	PreviousStderr = "PULUMI_COMMAND_STDERR"
)

// envLimit is just below what Linux takes for one variable (128 KiB). Above it
// the command could not start at all.
const envLimit = 128<<10 - 64

// Previous returns the variables for the previous output, leaving out what is
// empty or cannot be a variable; those names come back in skipped.
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
