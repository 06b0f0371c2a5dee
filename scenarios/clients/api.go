package clients

import (
	"strings"

	"firedrill/model/config"
	"firedrill/model/wire"
)

// APIProbe is the message that probes the configuration API: a linearizable read of what need not exist.
func APIProbe(number uint64) []byte {
	return wire.Encode(&wire.Envelope_Request{Request: &wire.Request{
		Sequence: number, Operation: wire.Operation_READ, Kind: string(config.KindCloud), Name: "probe",
	}})
}

// APIAnswer is what a controller answered to a probe; without a reason it served the read.
type APIAnswer struct {
	Number     uint64
	Controller string
	Refusal    string
}

// ReadAPIAnswer reads the answer to a probe; false for a message that is none.
func ReadAPIAnswer(message []byte) (APIAnswer, bool) {
	body, err := wire.Decode(message)
	if err != nil {
		return APIAnswer{}, false
	}
	envelope, ok := body.(*wire.Envelope_Response)
	if !ok {
		return APIAnswer{}, false
	}
	r := envelope.Response
	a := APIAnswer{Number: r.Sequence, Controller: r.Controller}
	if r.Status != wire.Status_OK && r.Status != wire.Status_NOT_FOUND {
		a.Refusal = strings.ToLower(r.Status.String())
	}
	return a, true
}
