package scenarios

import (
	"encoding"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// InputError says what is wrong in a file, where, and what would be right.
type InputError struct {
	File         string
	Line, Column int // from 1; 0 where the file as a whole is meant
	Problem      string
}

func (e *InputError) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Problem
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Problem)
}

// decoder lays a YAML document into Go values, and remembers where each value stood so that what is found
// wrong later can be pointed at. It walks the document itself because the library's own decoder has no
// position for the errors of a text unmarshaler and picks any one of several unknown keys.
type decoder struct {
	file   string
	what   string                    // the document, in errors
	places map[string]token.Position // by path, such as faults[0].target
}

func (d *decoder) fail(p token.Position, format string, args ...any) error {
	return &InputError{d.file, p.Line, p.Column, fmt.Sprintf(format, args...)}
}

// place finds where a path stands; of what is not in the file, where it would belong.
func (d *decoder) place(path string) token.Position {
	for path != "" {
		if p, ok := d.places[path]; ok {
			return p
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return d.places[""]
}

func (d *decoder) given(path string) bool {
	_, ok := d.places[path]
	return ok
}

// decode reads one document into *into, a struct.
func (d *decoder) decode(data []byte, into any) error {
	if !utf8.Valid(data) {
		return &InputError{File: d.file, Problem: "this is not UTF-8 text"}
	}
	file, err := parseYAML(data)
	if err != nil {
		return d.syntaxError(data, err)
	}
	var body ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.CommentType {
			continue
		}
		if body != nil {
			return d.fail(position(doc.Body), "a second document begins here; a file holds one")
		}
		body = doc.Body
	}
	if body == nil {
		return &InputError{File: d.file, Problem: "there is nothing in it; write " + d.what + " here"}
	}
	return d.value(body, reflect.ValueOf(into).Elem(), "")
}

// parseYAML makes an error of a panic: the parser is foreign, and so is its input.
func parseYAML(data []byte) (file *ast.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("this cannot be read as YAML: %v", r)
		}
	}()
	return parser.ParseBytes(data, 0)
}

func (d *decoder) syntaxError(data []byte, err error) error {
	var y yaml.Error
	if errors.As(err, &y) && y.GetToken() != nil && y.GetToken().Position != nil {
		at := *y.GetToken().Position
		if line, hint := layout(string(data), at.Line); line > 0 {
			return d.fail(token.Position{Line: line, Column: 1}, "%s", hint)
		}
		return d.fail(at, "%s", y.GetMessage())
	}
	return &InputError{File: d.file, Problem: err.Error()}
}

// value decodes a node into a settable value.
func (d *decoder) value(n ast.Node, v reflect.Value, path string) error {
	d.places[path] = position(n)
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	switch n.Type() {
	case ast.NullType, ast.AliasType, ast.AnchorType, ast.TagType, ast.MergeKeyType:
		return d.wrongType(n, v, path)
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return d.text(n, v, u, path)
	}
	switch v.Kind() {
	case reflect.Struct:
		return d.mapping(n, v, path)
	case reflect.Slice:
		return d.sequence(n, v, path)
	}
	return d.scalar(n, v, path)
}

func (d *decoder) mapping(n ast.Node, v reflect.Value, path string) error {
	var pairs []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		pairs = n.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{n}
	default:
		return d.wrongType(n, v, path)
	}
	names, fields := keys(v)
	for _, pair := range pairs {
		at := position(pair.Key)
		key, ok := pair.Key.(*ast.StringNode)
		if !ok {
			return d.fail(at, "%s: a key is plain text; use one of %s", d.where(path), strings.Join(names, ", "))
		}
		field, ok := fields[key.Value]
		if !ok {
			return d.fail(at, "unknown key %q in %s; %s", key.Value, d.where(path), suggest(key.Value, names))
		}
		below := strings.TrimPrefix(path+"."+key.Value, ".")
		if d.given(below) {
			return d.fail(at, "the key %q stands in %s twice", key.Value, d.where(path))
		}
		if err := d.value(pair.Value, field, below); err != nil {
			return err
		}
	}
	return nil
}

// keys returns the YAML keys of a struct, in order, and the fields they stand for.
func keys(v reflect.Value) (names []string, fields map[string]reflect.Value) {
	fields = make(map[string]reflect.Value)
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		names = append(names, name)
		fields[name] = v.Field(i)
	}
	return names, fields
}

func (d *decoder) sequence(n ast.Node, v reflect.Value, path string) error {
	s, ok := n.(*ast.SequenceNode)
	if !ok {
		return d.wrongType(n, v, path)
	}
	for i, item := range s.Values {
		v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
		if err := d.value(item, v.Index(i), fmt.Sprintf("%s[%d]", path, i)); err != nil {
			return err
		}
	}
	return nil
}

// text decodes a type that reads itself, such as a duration or an address.
func (d *decoder) text(n ast.Node, v reflect.Value, u encoding.TextUnmarshaler, path string) error {
	if _, ok := n.(ast.ScalarNode); !ok {
		return d.wrongType(n, v, path)
	}
	text := n.GetToken().Value
	if block, ok := n.(*ast.LiteralNode); ok {
		text = strings.TrimSpace(block.Value.Value) // the token is the bar, or the angle bracket
	}
	if err := u.UnmarshalText([]byte(text)); err != nil {
		problem := err.Error()
		if _, ok := u.(*netip.Addr); ok {
			problem = fmt.Sprintf("%q is not an IP address; write one such as 198.19.2.1", text)
		}
		return d.fail(position(n), "%s: %s", d.where(path), problem)
	}
	return nil
}

func (d *decoder) scalar(n ast.Node, v reflect.Value, path string) error {
	switch n := n.(type) {
	case *ast.StringNode:
		if v.Kind() == reflect.String {
			v.SetString(n.Value)
			return nil
		}
	case *ast.LiteralNode:
		if v.Kind() == reflect.String {
			v.SetString(n.Value.Value)
			return nil
		}
	case *ast.BoolNode:
		if v.Kind() == reflect.Bool {
			v.SetBool(n.Value)
			return nil
		}
	case *ast.FloatNode:
		if v.CanFloat() {
			v.SetFloat(n.Value)
			return nil
		}
	case *ast.IntegerNode:
		if setInteger(n.Value, v) {
			return nil
		}
	}
	return d.wrongType(n, v, path)
}

// setInteger stores an int64 or a uint64 where it fits.
func setInteger(value any, v reflect.Value) bool {
	from := reflect.ValueOf(value)
	if !from.CanConvert(v.Type()) {
		return false
	}
	switch {
	case v.CanFloat():
	case v.CanInt():
		if from.CanUint() && from.Uint() > 1<<62 || from.CanInt() && v.OverflowInt(from.Int()) {
			return false
		}
	case v.CanUint():
		if from.CanInt() && from.Int() < 0 || v.OverflowUint(from.Convert(reflect.TypeFor[uint64]()).Uint()) {
			return false
		}
	default:
		return false
	}
	v.Set(from.Convert(v.Type()))
	return true
}

func (d *decoder) wrongType(n ast.Node, v reflect.Value, path string) error {
	return d.fail(position(n), "%s: here stands %s; write %s", d.where(path), found(n), wanted(v))
}

func found(n ast.Node) string {
	switch n.Type() {
	case ast.NullType:
		return "nothing"
	case ast.MappingType, ast.MappingValueType:
		return "a mapping"
	case ast.SequenceType:
		return "a list"
	case ast.AliasType, ast.AnchorType, ast.TagType, ast.MergeKeyType:
		return "an anchor, alias or tag, which scenarios do not use"
	case ast.StringType, ast.LiteralType:
		return "text"
	case ast.BoolType:
		return "a truth value"
	}
	return "the number " + n.GetToken().Value
}

func wanted(v reflect.Value) string {
	switch t := v.Type(); {
	case t == reflect.TypeFor[Span]():
		return "a time or a range, such as 10s or 10s..20s"
	case t == reflect.TypeFor[Ratio]():
		return "a percentage, such as 5%"
	case t == reflect.TypeFor[netip.Addr]():
		return "an IP address, such as 198.19.2.1"
	case reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return "a duration, such as 250ms, 10s or 2m"
	}
	switch {
	case v.Kind() == reflect.Struct:
		names, _ := keys(v)
		return "a mapping with keys of " + strings.Join(names, ", ")
	case v.Kind() == reflect.Slice:
		return "a list, one item a line, each after a dash"
	case v.Kind() == reflect.Bool:
		return "true or false"
	case v.CanUint():
		return fmt.Sprintf("a whole number from 0 to %d", uint64(1)<<v.Type().Bits()-1)
	case v.CanInt():
		return "a whole number"
	case v.CanFloat():
		return "a number"
	}
	return `text; put it in quotes where it looks like something else`
}

func (d *decoder) where(path string) string {
	if path == "" {
		return d.what
	}
	return path
}

// where names a path of a scenario in an error.
func where(path string) string {
	if path == "" {
		return "the scenario"
	}
	return path
}

// position is where a node begins.
func position(n ast.Node) token.Position {
	switch m := n.(type) {
	case *ast.MappingNode:
		if len(m.Values) > 0 && !m.IsFlowStyle {
			return position(m.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return position(m.Key)
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		return *t.Position
	}
	return token.Position{}
}
