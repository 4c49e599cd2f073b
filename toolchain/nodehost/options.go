package main

import (
	"fmt"
	"sort"
	"strings"

	"google.golang.org/protobuf/types/known/structpb"
)

// options are the `runtime.options` of a Pulumi.yaml or PulumiPolicy.yaml.
type options struct {
	typeScript bool
	tsConfig   string
	nodeArgs   []string
}

// parseOptions fails for every option that it cannot honour: to ignore one would run the program otherwise than
// its author configured it.
func parseOptions(raw *structpb.Struct) (options, error) {
	parsed := options{typeScript: true}
	var faults []string
	for name, value := range raw.AsMap() {
		switch name {
		case "typescript":
			enabled, ok := value.(bool)
			if !ok {
				faults = append(faults, fmt.Sprintf("typescript: found %v; need true or false", value))
			}
			parsed.typeScript = enabled
		case "tsconfig":
			path, ok := value.(string)
			if !ok {
				faults = append(faults, fmt.Sprintf("tsconfig: found %v; need a path", value))
			}
			parsed.tsConfig = path
		case "nodeargs":
			text, ok := value.(string)
			if !ok || strings.ContainsAny(text, `"'\`) {
				faults = append(faults, fmt.Sprintf("nodeargs: found %v; need words without quotes", value))
			}
			parsed.nodeArgs = strings.Fields(text)
		case "packagemanager":
			if value != "npm" && value != "auto" {
				faults = append(faults, fmt.Sprintf("packagemanager: found %v; need npm", value))
			}
		default:
			faults = append(faults, fmt.Sprintf("%s: found an unknown option; need typescript, tsconfig, nodeargs or packagemanager", name))
		}
	}
	if len(faults) > 0 {
		sort.Strings(faults)
		return options{}, fmt.Errorf("runtime options of the nodejs project:\n  %s", strings.Join(faults, "\n  "))
	}
	return parsed, nil
}

// environment passes the TypeScript options to the SDK's entry points.
func (o options) environment() []string {
	env := []string{fmt.Sprintf("PULUMI_NODEJS_TYPESCRIPT=%t", o.typeScript)}
	if o.tsConfig != "" {
		env = append(env, "PULUMI_NODEJS_TSCONFIG_PATH="+o.tsConfig)
	}
	return env
}
