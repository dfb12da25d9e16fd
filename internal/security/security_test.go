package security

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// authority makes a certificate for 127.0.0.1 that is its own authority.
func authority(t *testing.T) (pair tls.Certificate, file string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "lab"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

func write(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "client.properties")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// asks tries both ways to speak to a broker: as a franz-go client, and by hand.
func asks(t *testing.T, c *Config, addr string) (client, byHand error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	var d net.Dialer
	opts := append([]kgo.Opt{kgo.SeedBrokers(addr), kgo.Dialer(c.Dial(d.DialContext)), kgo.RetryTimeout(time.Second), kgo.RequestRetries(0)}, c.Opts()...)
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	_, client = cl.SeedBrokers()[0].Request(ctx, kmsg.NewPtrMetadataRequest())
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(2 * time.Second))
	ready, byHand := c.Greet(ctx, conn, addr)
	if byHand == nil {
		byHand = ask(ready, kmsg.NewPtrMetadataRequest(), kmsg.NewPtrMetadataResponse())
	}
	return client, byHand
}

func TestClientsProveThemselves(t *testing.T) {
	pair, ca := authority(t)
	jaas := func(pass string) string {
		return `sasl.jaas.config=org.apache.kafka.common.security.Module required username="ann" password="` + pass + `";`
	}
	trust := []string{"ssl.truststore.type=PEM", "ssl.truststore.location=" + ca}
	for _, tt := range []struct {
		name  string
		opts  []kfake.Opt
		lines []string
		fails bool
	}{
		{"plaintext", nil, []string{"# nothing"}, false},
		{"TLS", []kfake.Opt{kfake.TLS(&tls.Config{Certificates: []tls.Certificate{pair}})}, append([]string{"security.protocol=SSL"}, trust...), false},
		{"TLS of an authority that nobody knows", []kfake.Opt{kfake.TLS(&tls.Config{Certificates: []tls.Certificate{pair}})}, []string{"security.protocol=SSL"}, true},
		{"PLAIN", []kfake.Opt{kfake.EnableSASL(), kfake.Superuser("PLAIN", "ann", "secret")},
			[]string{"security.protocol=SASL_PLAINTEXT", "sasl.mechanism=PLAIN", jaas("secret")}, false},
		{"a wrong password", []kfake.Opt{kfake.EnableSASL(), kfake.Superuser("PLAIN", "ann", "secret")},
			[]string{"security.protocol=SASL_PLAINTEXT", "sasl.mechanism=PLAIN", jaas("guess")}, true},
		{"SCRAM-SHA-256", []kfake.Opt{kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-256", "ann", "secret")},
			[]string{"security.protocol=SASL_PLAINTEXT", "sasl.mechanism=SCRAM-SHA-256", jaas("secret")}, false},
		{"SCRAM-SHA-512 over TLS", []kfake.Opt{kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "ann", "secret"), kfake.TLS(&tls.Config{Certificates: []tls.Certificate{pair}})},
			append([]string{"security.protocol=SASL_SSL", "sasl.mechanism=SCRAM-SHA-512", jaas("secret")}, trust...), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cluster, err := kfake.NewCluster(append(tt.opts, kfake.NumBrokers(1))...)
			if err != nil {
				t.Fatal(err)
			}
			defer cluster.Close()
			c, err := Read(write(t, tt.lines...))
			if err != nil {
				t.Fatal(err)
			}
			client, byHand := asks(t, c, cluster.ListenAddrs()[0])
			if (client != nil) != tt.fails || (byHand != nil) != tt.fails {
				t.Errorf("the client says %v, by hand %v; want errors %t", client, byHand, tt.fails)
			}
		})
	}
}

func TestBadCommandConfigs(t *testing.T) {
	for _, tt := range []struct{ line, want string }{
		{"security.protocol=TLS", "want PLAINTEXT, SSL"},
		{"ssl.truststore.password=x", "is not supported"},
		{"sasl.mechanism.x=PLAIN", "is not supported"},
		{"security.protocol=SASL_PLAINTEXT", "username="},
		{"security.protocol=SASL_PLAINTEXT\nsasl.mechanism=GSSAPI\nsasl.jaas.config=x required username=\"a\" password=\"b\";", "want PLAIN"},
		{"security.protocol=SSL\nssl.truststore.type=JKS", "only PEM"},
		{"security.protocol=SSL\nssl.truststore.location=/nowhere", "/nowhere"},
		{"security.protocol=SSL\nssl.truststore.certificates=nothing", "no certificate"},
	} {
		if _, err := Read(write(t, tt.line)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %q", tt.line, err, tt.want)
		}
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("read a file that is not there")
	}
}
