package scenarios

import _ "embed"

//go:generate go test -run ^TestSchemaIsCurrent$ -update .

//go:embed scenario.schema.json
var schema []byte

// Schema returns the JSON Schema of scenario files, by which an editor completes and checks them while they
// are written. It is made from the Go types and their comments; `go generate` makes it again. The loader
// checks more than a schema can say.
func Schema() ([]byte, error) { return schema, nil }
