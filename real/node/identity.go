package node

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
)

// Identity is how a container proves that it belongs to the run, and checks that others do.
type Identity struct {
	certificate tls.Certificate
	authority   *x509.CertPool
}

// NewIdentity reads the PEM of a spec.
func NewIdentity(s *Spec) (*Identity, error) {
	certificate, err := tls.X509KeyPair(s.Certificate, s.Key)
	if err != nil {
		return nil, fmt.Errorf("certificate of %s: %w", s.Name, err)
	}
	i := &Identity{certificate: certificate, authority: x509.NewCertPool()}
	if !i.authority.AppendCertsFromPEM(s.Authority) {
		return nil, errors.New("authority: no certificate in PEM")
	}
	return i, nil
}

// verify accepts whom the authority has signed. Names are not compared: addresses move from node to node, and the common
// name is that of the container.
func (i *Identity) verify(c tls.ConnectionState) error {
	if len(c.PeerCertificates) == 0 {
		return errors.New("the peer shows no certificate")
	}
	_, err := c.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: i.authority, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	return err
}

// calls is for who dials.
func (i *Identity) calls() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{i.certificate},
		InsecureSkipVerify: true, // of names alone: VerifyConnection checks the chain
		VerifyConnection:   i.verify,
	}
}

// answers is for who listens. Without session tickets, what listens says nothing after the handshake.
func (i *Identity) answers() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{i.certificate},
		ClientAuth: tls.RequireAnyClientCert, VerifyConnection: i.verify, SessionTicketsDisabled: true,
	}
}

// serves is for the REST API, whose callers show a token instead of a certificate.
func (i *Identity) serves() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{i.certificate}}
}
