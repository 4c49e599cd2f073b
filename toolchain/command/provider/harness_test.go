package provider_test

import (
	"context"
	"strings"
	"testing"

	"github.com/blang/semver"
	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/integration"
	"github.com/pulumi/pulumi-go-provider/integration/fake"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
	comprovider "github.com/pulumi/pulumi/sdk/v3/go/pulumi/provider"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"mirlab/toolchain/command/provider"
)

type props = map[string]any

func newServer(t *testing.T) integration.Server {
	t.Helper()
	built, err := provider.New()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	server, err := integration.NewServer(ctx, provider.Name, semver.MustParse(provider.Version),
		integration.WithProvider(built))
	if err != nil {
		t.Fatal(err)
	}
	return server
}

func toMap(in props) property.Map {
	return resource.FromResourcePropertyValue(resource.NewPropertyValue(map[string]any(in))).AsMap()
}

// wire returns the values as they are after a round trip to the engine.
func wire(t *testing.T, in property.Map) property.Map {
	t.Helper()
	return send(t, in, plugin.MarshalOptions{KeepSecrets: true, KeepUnknowns: true, ComputeAssetHashes: true})
}

// elided returns the values as the engine sends them for a read: assets without
// content.
func elided(t *testing.T, in property.Map) property.Map {
	t.Helper()
	return send(t, in, plugin.MarshalOptions{KeepSecrets: true, ElideAssetContents: true})
}

func send(t *testing.T, in property.Map, opts plugin.MarshalOptions) property.Map {
	t.Helper()
	sent, err := plugin.MarshalProperties(
		resource.ToResourcePropertyValue(property.New(in)).ObjectValue(), opts)
	if err != nil {
		t.Fatal(err)
	}
	got, err := plugin.UnmarshalProperties(sent, plugin.MarshalOptions{KeepSecrets: true, KeepUnknowns: true})
	if err != nil {
		t.Fatal(err)
	}
	return resource.FromResourcePropertyValue(resource.NewProperty(got)).AsMap()
}

// one drives one resource as the engine does: check, preview, execute.
type one struct {
	t      *testing.T
	server integration.Server
	urn    resource.URN
	id     string
	inputs property.Map
	state  property.Map
}

func newOne(t *testing.T, server integration.Server, token string) *one {
	t.Helper()
	return &one{t: t, server: server, urn: resource.NewURN("test", "mirlab", "", tokens.Type(token), "it")}
}

// up brings the resource to the inputs and returns the step that the engine would
// take.
func (o *one) up(in props) (step string, err error) {
	o.t.Helper()
	inputs := o.check(in)
	if o.id == "" {
		return "create", o.create(inputs)
	}
	diff, err := o.server.Diff(p.DiffRequest{ID: o.id, Urn: o.urn, State: o.state, Inputs: inputs})
	if err != nil {
		o.t.Fatal("diff:", err)
	}
	if !diff.HasChanges {
		return "same", nil
	}
	for _, change := range diff.DetailedDiff {
		if strings.HasSuffix(string(change.Kind), "&replace") {
			old := *o
			if err := o.create(inputs); err != nil {
				return "replace", err
			}
			return "replace", old.down()
		}
	}
	return "update", o.update(inputs)
}

func (o *one) check(in props) property.Map {
	o.t.Helper()
	resp, err := o.server.Check(p.CheckRequest{Urn: o.urn, State: o.state, Inputs: wire(o.t, toMap(in))})
	if err != nil {
		o.t.Fatal("check:", err)
	}
	if len(resp.Failures) > 0 {
		o.t.Fatalf("check: %+v", resp.Failures)
	}
	return wire(o.t, resp.Inputs)
}

func (o *one) create(inputs property.Map) error {
	if _, err := o.server.Create(p.CreateRequest{Urn: o.urn, Properties: inputs, DryRun: true}); err != nil {
		o.t.Fatal("preview of create:", err)
	}
	resp, err := o.server.Create(p.CreateRequest{Urn: o.urn, Properties: inputs})
	if err == nil {
		o.id, o.inputs, o.state = resp.ID, inputs, wire(o.t, resp.Properties)
	}
	return err
}

func (o *one) update(inputs property.Map) error {
	req := p.UpdateRequest{ID: o.id, Urn: o.urn, State: o.state, Inputs: inputs, DryRun: true}
	if _, err := o.server.Update(req); err != nil {
		o.t.Fatal("preview of update:", err)
	}
	req.DryRun = false
	resp, err := o.server.Update(req)
	if err == nil {
		o.state = wire(o.t, resp.Properties)
	}
	return err
}

func (o *one) down() error {
	return o.server.Delete(p.DeleteRequest{ID: o.id, Urn: o.urn, Properties: o.state})
}

// mustUp fails the test unless up takes this step.
func (o *one) mustUp(step string, in props) {
	o.t.Helper()
	found, err := o.up(in)
	if err != nil {
		o.t.Fatalf("%s: %v", found, err)
	}
	if found != step {
		o.t.Fatalf("step: found %s; need %s", found, step)
	}
}

func (o *one) text(name string) string {
	o.t.Helper()
	return unwrap(o.state.Get(name)).AsString()
}

func unwrap(v property.Value) property.Value { return v.WithSecret(false) }

func equal(t *testing.T, what string, found, required any) {
	t.Helper()
	if found != required {
		t.Fatalf("%s: found %q; need %q", what, found, required)
	}
}

func failsWith(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("found success; need a failure")
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Fatalf("failure %q: need %q in it", err, part)
		}
	}
}

// createWithLog creates a resource through the gRPC layer and returns the log
// messages that the engine got.
func createWithLog(t *testing.T, token string, in props) (logged []*pulumirpc.LogRequest, err error) {
	t.Helper()
	built, err := provider.New()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	engine := fake.NewEngineServer()
	address, _, err := fake.StartEngineServer(ctx, engine)
	if err != nil {
		t.Fatal(err)
	}
	host, err := comprovider.NewHostClient(address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = host.Close() }()
	server, err := p.RawServer(provider.Name, provider.Version, built)(host)
	if err != nil {
		t.Fatal(err)
	}
	values, err := plugin.MarshalProperties(resource.NewPropertyMapFromMap(in),
		plugin.MarshalOptions{KeepSecrets: true})
	if err != nil {
		t.Fatal(err)
	}
	urn := resource.NewURN("test", "mirlab", "", tokens.Type(token), "it")
	_, err = server.Create(ctx, &pulumirpc.CreateRequest{Urn: string(urn), Properties: values})
	return engine.Logs(), err
}

func messages(logged []*pulumirpc.LogRequest) string {
	var all strings.Builder
	for _, entry := range logged {
		all.WriteString(entry.Severity.String() + " " + entry.Message + "\n")
	}
	return all.String()
}
