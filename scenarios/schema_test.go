package scenarios

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	reflector "github.com/invopop/jsonschema"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"firedrill/model/config"
)

var update = flag.Bool("update", false, "write the generated files anew")

const (
	durationPattern = `([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+`
	ratioPattern    = `^(100(\.0{1,4})?|[0-9]{1,2}(\.[0-9]{1,4})?)%$`
)

// generateSchema reflects the Go types and their comments. It runs at the root of the module.
func generateSchema(t *testing.T) []byte {
	t.Helper()
	t.Chdir("..")
	r := &reflector.Reflector{Anonymous: true, ExpandedStruct: true, FieldNameTag: "yaml", Mapper: schemaOf}
	for _, folder := range []string{"./scenarios", "./model/config", "./checker/history"} {
		if err := r.AddGoComments("firedrill", folder, reflector.WithFullComment()); err != nil {
			t.Fatal(err)
		}
	}
	for key, comment := range r.CommentMap {
		r.CommentMap[key] = strings.NewReplacer("\n", " ", "[", "", "]", "").Replace(comment)
	}
	s := r.Reflect(&Scenario{})
	s.Title = "A firedrill scenario"
	constrain(s)
	out, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(out, '\n')
}

// schemaOf describes the types that are written as text.
func schemaOf(t reflect.Type) *reflector.Schema {
	text := func(pattern string, examples ...any) *reflector.Schema {
		return &reflector.Schema{Type: "string", Pattern: pattern, Examples: examples}
	}
	switch t {
	case reflect.TypeFor[Span]():
		return text(`^(0|`+durationPattern+`)(\.\.(0|`+durationPattern+`))?$`, "10s", "10s..20s")
	case reflect.TypeFor[config.Duration]():
		return text(`^(0|`+durationPattern+`)$`, "250ms", "10s")
	case reflect.TypeFor[Ratio]():
		return text(ratioPattern, "5%", "0.25%")
	case reflect.TypeFor[netip.Addr]():
		return &reflector.Schema{Type: "string", Format: "ipv4"}
	case reflect.TypeFor[config.CloudAccess]():
		return words(config.NoAccess, config.WriteAccess)
	case reflect.TypeFor[config.HAMode]():
		return words(config.HAModeShared, config.HAModeSharedPair, config.HAModeLegacyActiveStandby)
	case reflect.TypeFor[config.PlacementAlgo]():
		return words(config.PlacementPacked, config.PlacementDistributed)
	case reflect.TypeFor[config.MonitorType]():
		return words(config.MonitorTCP, config.MonitorHTTP, config.MonitorPing)
	case reflect.TypeFor[config.LBAlgorithm]():
		return words(config.LBRoundRobin, config.LBLeastConnections, config.LBConsistentHash)
	}
	return nil
}

func words[T ~string](all ...T) *reflector.Schema {
	s := &reflector.Schema{Type: "string"}
	for _, w := range all {
		s.Enum = append(s.Enum, string(w))
	}
	return s
}

// constrain adds what the types do not say: which words exist, and which keys have a default.
func constrain(s *reflector.Schema) {
	property := func(of *reflector.Schema, name string) *reflector.Schema {
		p, ok := of.Properties.Get(name)
		if !ok {
			panic("the schema has no property " + name)
		}
		return p
	}
	defs := s.Definitions
	property(s, "worlds").Items = words(worlds...)
	property(s, "profile").Enum = words(config.Profiles()...).Enum
	property(defs["Topology"], "cluster").Enum = []any{1, 3}
	property(defs["Fault"], "network").Enum = words(networks...).Enum
	property(defs["Operation"], "do").Enum = words(operations...).Enum
	fault := property(defs["Fault"], "fault")
	for _, k := range Catalogue {
		fault.OneOf = append(fault.OneOf, &reflector.Schema{Const: k.Name, Description: k.About})
	}
	for def, required := range map[string][]string{
		"Topology": {"controllers"}, "Network": nil, "Disk": nil, "Clocks": nil, "Probes": nil,
		"Mix": {"clients", "rate"}, "Swarm": nil, "Cloud": {"name"}, "ServiceEngineGroup": {"name"},
	} {
		defs[def].Required = required
	}
}

func TestSchemaIsCurrent(t *testing.T) {
	want := generateSchema(t)
	if *update {
		if err := os.WriteFile("scenarios/scenario.schema.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("scenario.schema.json is not what the types say; run go generate ./scenarios")
	}
}

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("scenario.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("scenario.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func asJSON(t *testing.T, data []byte) any {
	t.Helper()
	j, err := yaml.YAMLToJSON(data)
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(j))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSchemaAcceptsSuiteAndPlans(t *testing.T) {
	schema := compileSchema(t)
	for name, data := range suiteFiles(t) {
		if err := schema.Validate(asJSON(t, data)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !bytes.HasPrefix(data, []byte("# yaml-language-server: $schema=../scenario.schema.json\n")) {
			t.Errorf("%s does not name its schema in the first line", name)
		}
	}
	for _, s := range mustSuite(t) {
		out, err := Marshal(mustPlan(t, s, 1))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(asJSON(t, out)); err != nil {
			t.Errorf("the plan of %s: %v", s.Name, err)
		}
	}
}

func TestSchemaRefuses(t *testing.T) {
	schema := compileSchema(t)
	for _, edit := range []struct{ old, new string }{
		{"fault: crash", "fault: crush"},
		{"duration: 30s", "duration: soon"},
		{"at: 10s..12s", "at: 10s-12s"},
		{"controllers: 3", "controllers: 3\n  cluster: 2"},
		{"profile: fast", "profile: quick"},
		{"target: leader", "targt: leader"},
		{"loss: 0.5%", "loss: 101%"},
	} {
		if err := schema.Validate(asJSON(t, []byte(replaceOnce(t, sample, edit.old, edit.new)))); err == nil {
			t.Errorf("the schema accepts %q", edit.new)
		}
	}
	if err := schema.Validate(asJSON(t, []byte(sample))); err != nil {
		t.Errorf("the schema refuses the sample: %v", err)
	}
}
