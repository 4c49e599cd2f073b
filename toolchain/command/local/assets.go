package local

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/gobwas/glob"
	"github.com/pulumi/pulumi-go-provider/infer/types"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	parchive "github.com/pulumi/pulumi/sdk/v3/go/common/resource/archive"
	passet "github.com/pulumi/pulumi/sdk/v3/go/common/resource/asset"
)

type rule struct {
	glob    glob.Glob
	exclude bool
}

func assets(dir string, patterns *[]string) (*map[string]types.AssetOrArchive, error) {
	if patterns == nil {
		return nil, nil
	}
	found, err := find(dir, *patterns)
	if err != nil {
		return nil, err
	}
	result := make(map[string]types.AssetOrArchive, len(found))
	for name, asset := range found {
		result[name] = types.AssetOrArchive{Asset: asset}
	}
	return &result, nil
}

func archive(dir string, patterns *[]string) (*resource.Archive, error) {
	if patterns == nil {
		return nil, nil
	}
	found, err := find(dir, *patterns)
	if err != nil {
		return nil, err
	}
	members := make(map[string]any, len(found))
	for name, asset := range found {
		members[name] = asset
	}
	return parchive.FromAssets(members)
}

// find returns the files under dir that the last matching rule includes.
func find(dir string, patterns []string) (map[string]*resource.Asset, error) {
	rules := make([]rule, 0, len(patterns))
	for _, pattern := range patterns {
		text, exclude := strings.CutPrefix(pattern, "!")
		compiled, err := glob.Compile(text, '/')
		if err != nil {
			return nil, fmt.Errorf("found glob %q: %w; need a valid glob", pattern, err)
		}
		rules = append(rules, rule{compiled, exclude})
	}
	found := map[string]*resource.Asset{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !included(rules, name) {
			return err
		}
		found[name], err = passet.FromPath(path.Join(dir, name))
		return err
	})
	return found, err
}

func included(rules []rule, name string) bool {
	result := false
	for _, r := range rules {
		if r.glob.Match(name) {
			result = !r.exclude
		}
	}
	return result
}
