// Package security reads how clients prove themselves to brokers, from the same
// properties file that Kafka's own command-line tools take with
// --command-config: TLS, and SASL by PLAIN or SCRAM.
package security

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/magiconair/properties"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/ackproof/ackproof/internal/names"
)

// Config is how clients prove themselves. The zero value, and nil, is plaintext
// without authentication.
type Config struct {
	TLS  *tls.Config    // nil: none
	SASL sasl.Mechanism // nil: none
}

// The keys that are understood. Others of the same families are refused, because
// a connection without them would not be what was asked for; what has nothing
// to do with security is somebody else's.
const (
	keyProtocol   = "security.protocol"
	keyMechanism  = "sasl.mechanism"
	keyJAAS       = "sasl.jaas.config"
	keyTrustType  = "ssl.truststore.type"
	keyTrustFile  = "ssl.truststore.location"
	keyTrustPEM   = "ssl.truststore.certificates"
	keyStoreType  = "ssl.keystore.type"
	keyStoreFile  = "ssl.keystore.location"
	keyStoreChain = "ssl.keystore.certificate.chain"
	keyStoreKey   = "ssl.keystore.key"
	keyIdentity   = "ssl.endpoint.identification.algorithm"
)

var known = []string{keyProtocol, keyMechanism, keyJAAS, keyTrustType, keyTrustFile, keyTrustPEM,
	keyStoreType, keyStoreFile, keyStoreChain, keyStoreKey, keyIdentity}

// Read reads a properties file.
func Read(path string) (*Config, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the command config: %w", err)
	}
	p, err := (&properties.Loader{Encoding: properties.UTF8, DisableExpansion: true}).LoadBytes(b)
	if err != nil {
		return nil, fmt.Errorf("command config %s: %w", path, err)
	}
	c, err := parse(p)
	if err != nil {
		return nil, fmt.Errorf("command config %s: %w", path, err)
	}
	return c, nil
}

func parse(p *properties.Properties) (*Config, error) {
	for _, key := range p.Keys() {
		if family := strings.HasPrefix(key, "ssl.") || strings.HasPrefix(key, "sasl.") || strings.HasPrefix(key, "security."); family && !slices.Contains(known, key) {
			return nil, fmt.Errorf("%s%s is not supported: known are %s", key, names.Hint(key, known), strings.Join(known, ", "))
		}
	}
	c := &Config{}
	var err error
	switch protocol := p.GetString(keyProtocol, "PLAINTEXT"); protocol {
	case "PLAINTEXT":
		return c, nil
	case "SSL":
		c.TLS, err = transport(p)
	case "SASL_PLAINTEXT":
		c.SASL, err = mechanism(p)
	case "SASL_SSL":
		if c.TLS, err = transport(p); err == nil {
			c.SASL, err = mechanism(p)
		}
	default:
		err = fmt.Errorf("%s is %q: want PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL", keyProtocol, protocol)
	}
	return c, err
}

// login reads user and password out of a JAAS configuration.
var login = regexp.MustCompile(`(username|password)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)')`)

func mechanism(p *properties.Properties) (sasl.Mechanism, error) {
	var user, pass string
	for _, m := range login.FindAllStringSubmatch(p.GetString(keyJAAS, ""), -1) {
		v := m[2] + m[3]
		if m[1] == "username" {
			user = v
		} else {
			pass = v
		}
	}
	if user == "" || pass == "" {
		return nil, fmt.Errorf(`%s: want … required username="…" password="…";`, keyJAAS)
	}
	switch m := p.GetString(keyMechanism, ""); m {
	case "PLAIN":
		return plain.Auth{User: user, Pass: pass}.AsMechanism(), nil
	case "SCRAM-SHA-256":
		return scram.Auth{User: user, Pass: pass}.AsSha256Mechanism(), nil
	case "SCRAM-SHA-512":
		return scram.Auth{User: user, Pass: pass}.AsSha512Mechanism(), nil
	default:
		return nil, fmt.Errorf("%s is %q: want PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512", keyMechanism, m)
	}
}

func transport(p *properties.Properties) (*tls.Config, error) {
	for _, key := range []string{keyTrustType, keyStoreType} {
		if t := p.GetString(key, "PEM"); t != "PEM" {
			return nil, fmt.Errorf("%s is %s: only PEM is read; keytool -exportcert -rfc, or openssl pkcs12 -nodes, make it", key, t)
		}
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if trust, where, err := material(p, keyTrustPEM, keyTrustFile); err != nil {
		return nil, err
	} else if trust != nil {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(trust) {
			return nil, fmt.Errorf("%s holds no certificate in PEM", where)
		}
	}
	chain, where, err := material(p, keyStoreChain, keyStoreFile)
	if err != nil {
		return nil, err
	}
	if chain != nil {
		key := []byte(p.GetString(keyStoreKey, string(chain))) // a file holds both
		pair, err := tls.X509KeyPair(chain, key)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", where, err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	if v, ok := p.Get(keyIdentity); ok && v == "" {
		noHostname(c)
	}
	return c, nil
}

// material reads what stands in a property itself, or in the file that another names.
func material(p *properties.Properties, inline, file string) (b []byte, where string, err error) {
	if v, ok := p.Get(inline); ok {
		return []byte(v), inline, nil
	}
	path, ok := p.Get(file)
	if !ok {
		return nil, "", nil
	}
	if b, err = os.ReadFile(path); err != nil {
		return nil, file, fmt.Errorf("%s: %w", file, err)
	}
	return b, file + " " + path, nil
}

// noHostname verifies the chain of certificates but not the name in it, as an
// empty ssl.endpoint.identification.algorithm asks for.
func noHostname(c *tls.Config) {
	roots := c.RootCAs
	c.InsecureSkipVerify = true // the name only: the chain is verified below
	c.VerifyConnection = func(s tls.ConnectionState) error {
		if len(s.PeerCertificates) == 0 {
			return errors.New("the broker shows no certificate")
		}
		o := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
		for _, cert := range s.PeerCertificates[1:] {
			o.Intermediates.AddCert(cert)
		}
		_, err := s.PeerCertificates[0].Verify(o)
		return err
	}
}
