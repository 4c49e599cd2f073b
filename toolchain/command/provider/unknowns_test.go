package provider_test

import (
	"testing"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// A connection that is not known yet stays so through check and preview,
// however the engine marks it.
func TestUnknownConnection(t *testing.T) {
	urn := resource.NewURN("stack", "project", "", "command:remote:Command", "name")
	for name, connection := range map[string]property.Value{
		"unknown":        property.New(property.Computed),
		"unknown secret": property.New(property.Computed).WithSecret(true),
		"parts unknown": property.New(map[string]property.Value{
			"host":    property.New(property.Computed).WithSecret(true),
			"hostKey": property.New(property.Computed).WithSecret(true),
		}).WithSecret(true),
	} {
		t.Run(name, func(t *testing.T) {
			server := newServer(t)
			inputs := property.NewMap(map[string]property.Value{
				"create": property.New("true"), "connection": connection,
			})
			checked, err := server.Check(p.CheckRequest{Urn: urn, Inputs: inputs})
			if err != nil {
				t.Fatal(err)
			}
			assertUnknown(t, "check", checked.Inputs)
			if !checked.Inputs.Get("connection").HasSecrets() {
				t.Errorf("check: %#v is no secret", checked.Inputs.Get("connection"))
			}
			previewed, err := server.Create(p.CreateRequest{Urn: urn, Properties: checked.Inputs, DryRun: true})
			if err != nil {
				t.Fatal(err)
			}
			assertUnknown(t, "preview", previewed.Properties)
		})
	}
}

func assertUnknown(t *testing.T, when string, values property.Map) {
	t.Helper()
	connection := values.Get("connection")
	if connection.IsComputed() {
		return
	}
	for _, key := range []string{"host", "hostKey"} {
		if part := connection.AsMap().Get(key); !part.IsComputed() {
			t.Errorf("%s: %s is %#v, not unknown", when, key, part)
		}
	}
}
