package provider_test

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	parchive "github.com/pulumi/pulumi/sdk/v3/go/common/resource/archive"
	passet "github.com/pulumi/pulumi/sdk/v3/go/common/resource/asset"
)

const copyToRemote = "command:remote:CopyToRemote"

func put(t *testing.T, name, content string, mode fs.FileMode) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, mode); err != nil {
		t.Fatal(err)
	}
	return name
}

func fileAsset(t *testing.T, name string) *resource.Asset {
	t.Helper()
	asset, err := passet.FromPath(name)
	if err != nil {
		t.Fatal(err)
	}
	return asset
}

func textAsset(t *testing.T, content string) *resource.Asset {
	t.Helper()
	asset, err := passet.FromText(content)
	if err != nil {
		t.Fatal(err)
	}
	return asset
}

func dirArchive(t *testing.T, name string) *resource.Archive {
	t.Helper()
	archive, err := parchive.FromPath(name)
	if err != nil {
		t.Fatal(err)
	}
	return archive
}

func holds(t *testing.T, name, content string, mode fs.FileMode) {
	t.Helper()
	equal(t, name, read(t, name), content)
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "mode of "+name, info.Mode().Perm(), mode)
}

func TestCopyFileContentAndMode(t *testing.T) {
	host, dir := startSSHD(t), t.TempDir()
	script := put(t, filepath.Join(dir, "here", "script"), "one", 0o750)
	target := filepath.Join(dir, "there", "deep", "renamed")
	it := newOne(t, newServer(t), copyToRemote)
	in := func() props {
		return props{"connection": host.connection(), "source": fileAsset(t, script), "remotePath": target}
	}
	it.mustUp("create", in())
	holds(t, target, "one", 0o750)
	it.mustUp("same", in())
	put(t, script, strings.Repeat("two", 100000), 0o600)
	it.mustUp("update", in())
	holds(t, target, strings.Repeat("two", 100000), 0o600)
	it.mustUp("replace", with(in(), "triggers", []any{"a"}))
	it.mustUp("replace", with(in(), "triggers", []any{"b"}))
	if err := it.down(); err != nil {
		t.Fatal(err)
	}
	holds(t, target, strings.Repeat("two", 100000), 0o600)
	into := newOne(t, newServer(t), copyToRemote)
	into.mustUp("create", with(in(), "remotePath", filepath.Dir(target)))
	holds(t, filepath.Join(filepath.Dir(target), "script"), strings.Repeat("two", 100000), 0o600)
	left, err := os.ReadDir(filepath.Dir(target))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "files there", len(left), 2)
}

func TestCopyTextKeepsModeAndLink(t *testing.T) {
	host, dir := startSSHD(t), t.TempDir()
	real := put(t, filepath.Join(dir, "real"), "old", 0o640)
	link := filepath.Join(dir, "link")
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	source := textAsset(t, "new")
	newOne(t, newServer(t), copyToRemote).mustUp("create", props{
		"connection": host.connection(), "source": source, "remotePath": link,
	})
	if info, err := os.Lstat(link); err != nil || info.Mode().Type() != fs.ModeSymlink {
		t.Fatalf("link: found %v %v; need a link", info, err)
	}
	equal(t, "content behind the link", read(t, real), "new")
	put(t, real, "old", 0o640)
	newOne(t, newServer(t), copyToRemote).mustUp("create", props{
		"connection": host.connection(), "source": source, "remotePath": real,
	})
	holds(t, real, "new", 0o640)
	_, err := newOne(t, newServer(t), copyToRemote).up(props{
		"connection": host.connection(), "source": source, "remotePath": dir,
	})
	failsWith(t, err, "remotePath: found directory "+dir, "need the path of a file")
}

func TestCopyDirectory(t *testing.T) {
	host, dir := startSSHD(t), t.TempDir()
	put(t, filepath.Join(dir, "tree", "a"), "a", 0o644)
	put(t, filepath.Join(dir, "tree", "sub", "b"), "b", 0o755)
	up := func(from, to string) error {
		_, err := newOne(t, newServer(t), copyToRemote).up(props{
			"connection": host.connection(), "source": dirArchive(t, from), "remotePath": to,
		})
		return err
	}
	named, content := filepath.Join(dir, "named"), filepath.Join(dir, "content")
	if err := up(filepath.Join(dir, "tree"), named); err != nil {
		t.Fatal(err)
	}
	holds(t, filepath.Join(named, "tree", "a"), "a", 0o644)
	holds(t, filepath.Join(named, "tree", "sub", "b"), "b", 0o755)
	if err := up(filepath.Join(dir, "tree")+"/", content); err != nil {
		t.Fatal(err)
	}
	holds(t, filepath.Join(content, "sub", "b"), "b", 0o755)
	put(t, filepath.Join(dir, "tree", "sub", "b"), "c", 0o755)
	if err := up(filepath.Join(dir, "tree")+"/", content); err != nil {
		t.Fatal(err)
	}
	holds(t, filepath.Join(content, "sub", "b"), "c", 0o755)
	failsWith(t, up(filepath.Join(dir, "tree"), filepath.Join(dir, "tree", "a")), "remotePath: found a file")
}

func TestCopyRefusesWhatIsNotLocal(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer web.Close()
	asset, err := passet.FromURI(web.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := newServer(t).Check(p.CheckRequest{
		Urn:    resource.NewURN("test", "mirlab", "", copyToRemote, "it"),
		Inputs: toMap(props{"connection": props{"host": "127.0.0.1"}, "source": asset, "remotePath": "x"}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(resp.Failures) != 1 || !strings.Contains(resp.Failures[0].Reason, "need a FileAsset") {
		t.Fatalf("check: found %+v; need a refusal of the source", resp.Failures)
	}
}

func TestCopyPreviewWithUnknownSource(t *testing.T) {
	server := newServer(t)
	urn := resource.NewURN("test", "mirlab", "", copyToRemote, "it")
	inputs := toMap(props{
		"connection": props{"host": resource.MakeComputed(resource.NewProperty(""))},
		"source":     resource.MakeComputed(resource.NewProperty("")), "remotePath": "x",
	})
	resp, err := server.Check(p.CheckRequest{Urn: urn, Inputs: inputs})
	if err != nil || len(resp.Failures) > 0 {
		t.Fatalf("check: found %v %+v; need success", err, resp.Failures)
	}
	if _, err := server.Create(p.CreateRequest{Urn: urn, Properties: resp.Inputs, DryRun: true}); err != nil {
		t.Fatal(err)
	}
}

func TestOldCopyFile(t *testing.T) {
	host, dir := startSSHD(t), t.TempDir()
	from := put(t, filepath.Join(dir, "from"), "text", 0o644)
	in := props{"connection": host.connection(), "localPath": from, "remotePath": filepath.Join(dir, "to")}
	it := newOne(t, newServer(t), "command:remote:CopyFile")
	it.mustUp("create", in)
	holds(t, filepath.Join(dir, "to"), "text", 0o644)
	it.mustUp("replace", with(in, "remotePath", filepath.Join(dir, "other")))
	holds(t, filepath.Join(dir, "other"), "text", 0o644)
}
