package target

import (
	"fmt"
	"net"

	"github.com/ackproof/ackproof/internal/target/clusterfile"
)

// block is a block of loopback addresses, 127.B.0.0/16, that one cluster has to
// itself. It is held by an abstract socket: the kernel frees it with the process,
// however that ends, and it is a network namespace's own, as addresses are.
type block struct {
	number int
	held   net.Listener
}

// takeBlock takes the first block that nobody has and whose ports are free.
func takeBlock(file *clusterfile.File, nodes int) (*block, error) {
	var last error
	for b := clusterfile.FirstBlock; b <= clusterfile.LastBlock; b++ {
		held, err := net.Listen("unix", fmt.Sprintf("@ackproof-127.%d", b))
		if err != nil {
			last = err
			continue
		}
		if last = portsFree(file, b, nodes); last == nil {
			return &block{b, held}, nil
		}
		held.Close()
	}
	return nil, fmt.Errorf("find a block of loopback addresses between 127.%d and 127.%d: none is free; the last one: %w",
		clusterfile.FirstBlock, clusterfile.LastBlock, last)
}

// portsFree tells whether the nodes will be able to listen. Somebody who listens
// on a port of all addresses is in the way.
func portsFree(file *clusterfile.File, b, nodes int) error {
	for id := 1; id <= nodes; id++ {
		for _, p := range file.Ports {
			ln, err := net.Listen("tcp4", fmt.Sprintf("127.%d.0.%d:%d", b, id, p.Port))
			if err != nil {
				return err
			}
			ln.Close()
		}
	}
	return nil
}

func (b *block) free() error { return b.held.Close() }
