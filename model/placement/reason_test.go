package placement

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
	"testing"
)

// TestTexts finds a sentence for every code that is declared, and no gap in any of them is left open.
func TestTexts(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "reason.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	declared := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "Code" {
			return true
		}
		declared++
		value, _ := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		text := Reason{Code: Code(value), Engine: "e", Group: "g", Host: "h", Service: "s"}.String()
		if text == "" || regexp.MustCompile(`[{}]`).MatchString(text) {
			t.Errorf("%s: %q", value, text)
		}
		return true
	})
	if declared != len(texts) {
		t.Errorf("%d codes, %d texts", declared, len(texts))
	}
}
