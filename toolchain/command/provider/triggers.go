package provider

import (
	"context"
	"strings"

	p "github.com/pulumi/pulumi-go-provider"
)

type diffFunc func(context.Context, p.DiffRequest) (p.DiffResponse, error)

// withTriggers turns the change of one trigger into a replacement, unless the
// resource has an update command. The framework matches property names only:
// to it "triggers[0]" is not "triggers".
func withTriggers(diff diffFunc) diffFunc {
	return func(ctx context.Context, req p.DiffRequest) (p.DiffResponse, error) {
		resp, err := diff(ctx, req)
		if err != nil {
			return resp, err
		}
		if update, ok := req.Inputs.GetOk("update"); ok && !update.IsNull() {
			return resp, nil
		}
		for path, change := range resp.DetailedDiff {
			if strings.HasPrefix(path, "triggers[") {
				change.Kind = asReplace(change.Kind)
				resp.DetailedDiff[path] = change
			}
		}
		return resp, nil
	}
}

func asReplace(kind p.DiffKind) p.DiffKind {
	switch kind {
	case p.Add:
		return p.AddReplace
	case p.Delete:
		return p.DeleteReplace
	case p.Update:
		return p.UpdateReplace
	default:
		return kind
	}
}
