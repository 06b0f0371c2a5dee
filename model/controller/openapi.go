package controller

import _ "embed"

// openAPI describes the REST API (OpenAPI 3.0); a test holds it against the routes and their answers.
//
//go:embed openapi.json
var openAPI []byte

func (a *call) getOpenAPI() { a.send(200, "application/json", 0, append([]byte(nil), openAPI...)) }
