package provider

import (
	"context"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// plainUnknowns returns the provider with every unknown value in its new inputs
// stripped of its secret mark. An engine of 3.274 and later sends a secret that
// is not known yet with both marks; pulumi-go-provider 1.5.0 decodes it into an
// object of defaults (`connection.host: ""`, no host key), which a preview and
// its policies then take for known. The schema marks the answer secret again.
func plainUnknowns(plugin p.Provider) p.Provider {
	check, diff, create, update := plugin.Check, plugin.Diff, plugin.Create, plugin.Update
	plugin.Check = func(ctx context.Context, req p.CheckRequest) (p.CheckResponse, error) {
		req.Inputs = plainMap(req.Inputs)
		return check(ctx, req)
	}
	plugin.Diff = func(ctx context.Context, req p.DiffRequest) (p.DiffResponse, error) {
		req.Inputs = plainMap(req.Inputs)
		return diff(ctx, req)
	}
	plugin.Create = func(ctx context.Context, req p.CreateRequest) (p.CreateResponse, error) {
		req.Properties = plainMap(req.Properties)
		return create(ctx, req)
	}
	plugin.Update = func(ctx context.Context, req p.UpdateRequest) (p.UpdateResponse, error) {
		req.Inputs = plainMap(req.Inputs)
		return update(ctx, req)
	}
	return plugin
}

func plainMap(m property.Map) property.Map {
	plain := make(map[string]property.Value, m.Len())
	for key, value := range m.All {
		plain[key] = plainValue(value)
	}
	return property.NewMap(plain)
}

func plainValue(v property.Value) property.Value {
	switch {
	case v.IsComputed():
		return v.WithSecret(false)
	case v.IsMap():
		return property.WithGoValue(v, plainMap(v.AsMap()))
	case v.IsArray():
		items := make([]property.Value, 0, v.AsArray().Len())
		for _, item := range v.AsArray().All {
			items = append(items, plainValue(item))
		}
		return property.WithGoValue(v, property.NewArray(items))
	default:
		return v
	}
}
