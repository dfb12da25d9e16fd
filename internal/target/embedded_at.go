package target

import (
	"context"
	"fmt"
	"net"
	"strconv"
)

// StartEmbeddedAt starts an embedded cluster with a broker at each address of
// the loopback interface, for whoever has no brokers of his own.
func StartEmbeddedAt(ctx context.Context, addrs []string) (Cluster, error) {
	var cfg Config
	for _, a := range addrs {
		host, port, err := net.SplitHostPort(a)
		n, perr := strconv.Atoi(port)
		if ip := net.ParseIP(host); err != nil || perr != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return nil, fmt.Errorf("embedded cluster at %s: want a port of the loopback interface, 127.0.0.1:PORT", a)
		}
		cfg.Ports = append(cfg.Ports, n)
	}
	return startEmbedded(ctx, cfg)
}
