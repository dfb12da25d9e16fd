package security

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Dialer dials a host:port.
type Dialer func(ctx context.Context, network, addr string) (net.Conn, error)

// Dial wraps a dialer: what it dials speaks TLS, where there is any. The broker
// must prove to be the host that was asked for, whatever proxy leads there.
func (c *Config) Dial(dial Dialer) Dialer {
	if c == nil || c.TLS == nil {
		return dial
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return c.handshake(ctx, conn, addr)
	}
}

// Opts are the options of a franz-go client whose dialer is Dial's.
func (c *Config) Opts() []kgo.Opt {
	if c == nil || c.SASL == nil {
		return nil
	}
	return []kgo.Opt{kgo.SASL(c.SASL)}
}

func (c *Config) handshake(ctx context.Context, conn net.Conn, addr string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("TLS with %s: %w", addr, err)
	}
	config := c.TLS.Clone()
	config.ServerName = host
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, fmt.Errorf("TLS with %s: %w", addr, err)
	}
	return secure, nil
}

// Greet makes a connection ready for requests, as a client of the broker at
// addr: TLS, then SASL (KIP-152). It is for those who speak the protocol by
// themselves; the connection's deadline bounds it. On error the connection is
// of no use any more.
func (c *Config) Greet(ctx context.Context, conn net.Conn, addr string) (net.Conn, error) {
	if c == nil {
		return conn, nil
	}
	if c.TLS != nil {
		var err error
		if conn, err = c.handshake(ctx, conn, addr); err != nil {
			return nil, err
		}
	}
	if c.SASL == nil {
		return conn, nil
	}
	if err := c.authenticate(ctx, conn, addr); err != nil {
		return nil, fmt.Errorf("SASL with %s: %w", addr, err)
	}
	return conn, nil
}

func (c *Config) authenticate(ctx context.Context, conn net.Conn, addr string) error {
	hello := kmsg.NewPtrSASLHandshakeRequest()
	hello.Version, hello.Mechanism = 1, c.SASL.Name()
	welcome := kmsg.NewPtrSASLHandshakeResponse()
	welcome.Version = 1
	if err := ask(conn, hello, welcome); err != nil {
		return err
	}
	if err := kerr.ErrorForCode(welcome.ErrorCode); err != nil {
		return fmt.Errorf("the broker knows %v, not %s: %w", welcome.SupportedMechanisms, c.SASL.Name(), err)
	}
	session, say, err := c.SASL.Authenticate(ctx, addr)
	for done := false; !done; {
		if err != nil {
			return err
		}
		step := kmsg.NewPtrSASLAuthenticateRequest()
		step.SASLAuthBytes = say
		answer := kmsg.NewPtrSASLAuthenticateResponse()
		if err := ask(conn, step, answer); err != nil {
			return err
		}
		if err := kerr.ErrorForCode(answer.ErrorCode); err != nil {
			if answer.ErrorMessage != nil {
				return fmt.Errorf("%s: %w", *answer.ErrorMessage, err)
			}
			return err
		}
		done, say, err = session.Challenge(answer.SASLAuthBytes)
		if done && err != nil {
			return err
		}
	}
	return nil
}

// maxAnswer bounds an answer during the greeting.
const maxAnswer = 1 << 20

// ask sends one request and reads its answer.
func ask(conn net.Conn, req kmsg.Request, resp kmsg.Response) error {
	if _, err := conn.Write(kmsg.NewRequestFormatter(kmsg.FormatterClientID("ackproof-probe")).AppendRequest(nil, req, 1)); err != nil {
		return err
	}
	var size [4]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n < 4 || n > maxAnswer {
		return fmt.Errorf("the answer begins with size %d: not Kafka's protocol, or not without TLS", n)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(conn, b); err != nil {
		return err
	}
	return resp.ReadFrom(b[4:])
}
