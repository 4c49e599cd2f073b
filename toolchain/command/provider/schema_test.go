package provider_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"

	"mirlab/toolchain/command/provider"
)

// sdk reads the published package's type declarations: programs are compiled
// against them, whichever plugin runs.
type sdk struct {
	t   *testing.T
	dir string
}

func openSDK(t *testing.T) sdk {
	t.Helper()
	dir := os.Getenv("COMMAND_SDK_DIR")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "node_modules", "@pulumi", "command")
	}
	data, err := os.ReadFile(filepath.Join(dir, "package.json"))
	if os.IsNotExist(err) && os.Getenv("COMMAND_SDK_DIR") == "" {
		t.Skipf("no @pulumi/command in %s: run npm ci, or set COMMAND_SDK_DIR", dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	var pkg struct{ Version string }
	if err := json.Unmarshal(data, &pkg); err != nil {
		t.Fatal(err)
	}
	equal(t, "version of @pulumi/command", pkg.Version, provider.Version)
	return sdk{t, dir}
}

var comments = regexp.MustCompile(`(?s)/\*.*?\*/|//[^\n]*`)

func (s sdk) read(file string) string {
	s.t.Helper()
	data, err := os.ReadFile(filepath.Join(s.dir, file))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(data)
}

// block returns the text between the braces that follow the heading.
func (s sdk) block(file, heading string) string {
	s.t.Helper()
	text := comments.ReplaceAllString(s.read(file), "")
	_, rest, found := strings.Cut(text, heading)
	if !found {
		s.t.Fatalf("%s: found no %q", file, heading)
	}
	rest = rest[strings.Index(rest, "{")+1:]
	depth := 1
	for i, r := range rest {
		switch r {
		case '{':
			depth++
		case '}':
			depth--
		}
		if depth == 0 {
			return rest[:i]
		}
	}
	s.t.Fatalf("%s: %q has no end", file, heading)
	return ""
}

var member = regexp.MustCompile(`^(?:readonly )?(\w+)(\??): (.*)$`)

// members reads "name?: type;" at the block's own depth, without wrappers. A type
// that admits undefined is optional too: outputs are declared in this way.
func (s sdk) members(file, heading string) map[string]string {
	s.t.Helper()
	found := map[string]string{}
	depth, start := 0, 0
	body := s.block(file, heading)
	for i, r := range body {
		switch {
		case r == '{':
			depth++
		case r == '}':
			depth--
		case r == ';' && depth == 0:
			text := strings.Join(strings.Fields(body[start:i]), " ")
			start = i + 1
			if m := member.FindStringSubmatch(text); m != nil {
				found[m[1]] = plainType(m[2], m[3])
			}
		}
	}
	if len(found) == 0 {
		s.t.Fatalf("%s: %q has no members", file, heading)
	}
	return found
}

var wrappers = strings.NewReplacer("pulumi.Input<", "", "pulumi.Output<", "", ">", "", " ", "", ";", "")

func plainType(mark, text string) string {
	text = wrappers.Replace(text)
	optional := mark == "?" || strings.HasSuffix(text, "|undefined")
	text = strings.TrimSuffix(text, "|undefined")
	text = strings.NewReplacer("inputs.", "", "outputs.", "").Replace(text)
	if strings.HasPrefix(text, "remote.") {
		text = strings.TrimSuffix(text, "Args")
	}
	if optional {
		return text + "?"
	}
	return text
}

// declared converts our schema into the same form.
func declared(properties map[string]schema.PropertySpec, required []string) map[string]string {
	result := map[string]string{}
	for name, property := range properties {
		result[name] = tsType(property.TypeSpec)
		if !slices.Contains(required, name) {
			result[name] += "?"
		}
	}
	return result
}

func tsType(t schema.TypeSpec) string {
	switch {
	case t.Ref == "pulumi.json#/Asset":
		return "pulumi.asset.Asset|pulumi.asset.Archive"
	case t.Ref == "pulumi.json#/Archive":
		return "pulumi.asset.Archive"
	case t.Ref == "pulumi.json#/Any":
		return "any"
	case strings.HasSuffix(t.Ref, ":Logging"):
		return "enums." + strings.ReplaceAll(strings.TrimPrefix(t.Ref, "#/types/command:"), ":", ".")
	case t.Ref != "":
		return strings.ReplaceAll(strings.TrimPrefix(t.Ref, "#/types/command:"), ":", ".")
	case t.Type == "array":
		return tsType(*t.Items) + "[]"
	case t.Type == "object":
		return "{[key:string]:" + tsType(*t.AdditionalProperties) + "}"
	case t.Type == "integer":
		return "number"
	default:
		return t.Type
	}
}

func same(t *testing.T, what string, found, required map[string]string) {
	t.Helper()
	for name := range required {
		if found[name] != required[name] {
			t.Errorf("%s: %s: found %q; need %q", what, name, found[name], required[name])
		}
	}
	for name := range found {
		if _, ok := required[name]; !ok {
			t.Errorf("%s: %s: found %q; need nothing, as in the published package", what, name, found[name])
		}
	}
}

func ourSchema(t *testing.T) schema.PackageSpec {
	t.Helper()
	resp, err := newServer(t).GetSchema(p.GetSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var spec schema.PackageSpec
	if err := json.Unmarshal([]byte(resp.Schema), &spec); err != nil {
		t.Fatal(err)
	}
	equal(t, "name", spec.Name, provider.Name)
	equal(t, "version", spec.Version, provider.Version)
	return spec
}

// tokens maps each token of the published package to its file.
func (s sdk) tokens() map[string]string {
	found := map[string]string{}
	token := regexp.MustCompile(`(?:__pulumiType = |runtime\.invoke\()['"](command:\w+:\w+)['"]`)
	names, err := filepath.Glob(filepath.Join(s.dir, "*", "*.js"))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, name := range names {
		file := filepath.Join(filepath.Base(filepath.Dir(name)), filepath.Base(name))
		for _, m := range token.FindAllStringSubmatch(s.read(file), -1) {
			found[m[1]] = strings.TrimSuffix(file, ".js")
		}
	}
	return found
}

func TestSchemaHasEveryToken(t *testing.T) {
	published, spec := openSDK(t).tokens(), ourSchema(t)
	if len(published) < 5 {
		t.Fatalf("published tokens: found %v; need 5", published)
	}
	ours := map[string]string{}
	for token := range spec.Resources {
		ours[token] = published[token]
	}
	for token := range spec.Functions {
		ours[token] = published[token]
	}
	same(t, "tokens", ours, published)
}

func TestSchemaResources(t *testing.T) {
	pkg, spec := openSDK(t), ourSchema(t)
	for token, resource := range spec.Resources {
		file := pkg.tokens()[token]
		name := token[strings.LastIndex(token, ":")+1:]
		same(t, token+" inputs", declared(resource.InputProperties, resource.RequiredInputs),
			pkg.members(file+".d.ts", "export interface "+name+"Args "))
		same(t, token+" outputs", declared(resource.Properties, resource.Required),
			pkg.members(file+".d.ts", "export declare class "+name+" "))
		code := pkg.read(file + ".js")
		all := func(pattern string) string {
			var names []string
			for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(code, -1) {
				names = append(names, m[1])
			}
			sort.Strings(names)
			return fmt.Sprint(names)
		}
		with := func(properties map[string]schema.PropertySpec, has func(schema.PropertySpec) bool) string {
			var names []string
			for name, property := range properties {
				if has(property) {
					names = append(names, name)
				}
			}
			sort.Strings(names)
			return fmt.Sprint(names)
		}
		secret := func(s schema.PropertySpec) bool { return s.Secret }
		replaces := func(s schema.PropertySpec) bool { return s.ReplaceOnChanges }
		sort.Strings(resource.RequiredInputs)
		equal(t, token+" required", fmt.Sprint(resource.RequiredInputs), all(`Missing required property '(\w+)'`))
		equal(t, token+" secret inputs", with(resource.InputProperties, secret), all(`\["(\w+)"\] = .*pulumi\.secret\(`))
		equal(t, token+" secret outputs", with(resource.Properties, secret), all(`additionalSecretOutputs: \["(\w+)"\]`))
		equal(t, token+" replaces", with(resource.Properties, replaces), all(`replaceOnChanges: \["(\w+)\[\*\]"\]`))
		equal(t, token+" defaults", with(resource.InputProperties,
			func(s schema.PropertySpec) bool { return s.Default != nil }), all(`\["(\w+)"\] = .*\?\? `))
		equal(t, token+" deprecated", resource.DeprecationMessage != "", strings.Contains(code, "is deprecated: "))
	}
}

func TestSchemaFunction(t *testing.T) {
	pkg, spec := openSDK(t), ourSchema(t)
	run := spec.Functions["command:local:run"]
	same(t, "run inputs", declared(run.Inputs.Properties, run.Inputs.Required),
		pkg.members("local/run.d.ts", "export interface RunArgs "))
	outputs := run.Outputs
	if run.ReturnType != nil {
		outputs = run.ReturnType.ObjectTypeSpec
	}
	same(t, "run outputs", declared(outputs.Properties, outputs.Required),
		pkg.members("local/run.d.ts", "export interface RunResult "))
}

func TestSchemaTypes(t *testing.T) {
	pkg, spec := openSDK(t), ourSchema(t)
	equal(t, "number of types", len(spec.Types), 4)
	for _, name := range []string{"Connection", "ProxyConnection"} {
		ours := spec.Types["command:remote:"+name]
		same(t, name+" as input", declared(ours.Properties, ours.Required),
			pkg.members("types/input.d.ts", "interface "+name+"Args "))
		same(t, name+" as output", declared(ours.Properties, ours.Required),
			pkg.members("types/output.d.ts", "interface "+name+" "))
		found := map[string]string{}
		for property, is := range ours.Properties {
			if is.Default != nil {
				text, _ := json.Marshal(is.Default)
				found[property] = string(text)
			}
		}
		required := map[string]string{}
		heading := "function " + strings.ToLower(name[:1]) + name[1:] + "ArgsProvideDefaults("
		body := pkg.block("types/input.js", heading)
		for _, m := range regexp.MustCompile(`(\w+): \(val\.\w+\) \?\? (.+),`).FindAllStringSubmatch(body, -1) {
			required[m[1]] = m[2]
		}
		same(t, name+" defaults", found, required)
	}
	for _, module := range []string{"local", "remote"} {
		found := map[string]string{}
		for _, value := range spec.Types["command:"+module+":Logging"].Enum {
			found[value.Name] = fmt.Sprintf("%q", value.Value)
		}
		same(t, module+" Logging", found,
			pkg.members("types/enums/"+module+"/index.d.ts", "export declare const Logging:"))
	}
}
