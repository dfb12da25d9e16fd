package nemesis

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	tc "github.com/Shopify/toxiproxy/v2/client"
)

// heardEcho is a server that sends back what it is sent and tells how much that was.
func heardEcho(t *testing.T) (addr string, heard <-chan int) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	ch := make(chan int, 1<<16)
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				b := make([]byte, 32<<10)
				for {
					n, err := c.Read(b)
					if n > 0 {
						ch <- n
						c.Write(b[:n])
					}
					if err != nil {
						return
					}
				}
			}()
		}
	}()
	return ln.Addr().String(), ch
}

// recipe is a proxy on a stock Toxiproxy server with one of the guide's toxics,
// and a connection through it.
func recipe(t *testing.T, kind string, toxicity float32, attrs tc.Attributes) (p *tc.Proxy, url string, c net.Conn, heard <-chan int) {
	t.Helper()
	url, api := foreign(t)
	addr, heard := heardEcho(t)
	p, err := api.CreateProxy("chronik-node1-raft", "127.0.0.1:0", addr)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.AddToxic("", kind, "", toxicity, attrs); err != nil {
		t.Fatal(err)
	}
	if c, err = net.Dial("tcp", p.Listen); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(2 * time.Minute))
	return p, url, c, heard
}

// TestGuidesPacketLossLosesNothing: latency 0 at toxicity 0.2 is drawn once for
// each connection and holds it for no time.
func TestGuidesPacketLossLosesNothing(t *testing.T) {
	const n = 1000
	for range 5 { // connections
		_, _, c, _ := recipe(t, "latency", 0.2, tc.Attributes{"latency": 0})
		begin, b := time.Now(), make([]byte, 8)
		for i := range n {
			if _, err := c.Write(b); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(c, b); err != nil {
				t.Fatalf("message %d of %d was lost: %v", i, n, err)
			}
		}
		t.Logf("%d of %d messages arrived, %v each", n, n, time.Since(begin)/n)
	}
}

// TestGuidesPartitionIsAStallOfReplies: bandwidth 0 acts downstream where
// nothing is said. What is sent arrives; what comes back is held, and delivered
// late when the toxic is taken off.
func TestGuidesPartitionIsAStallOfReplies(t *testing.T) {
	p, _, c, heard := recipe(t, "bandwidth", 1, tc.Attributes{"rate": 0})
	sent := []byte("append this")
	if _, err := c.Write(sent); err != nil {
		t.Fatal(err)
	}
	select {
	case n := <-heard:
		if n != len(sent) {
			t.Errorf("%d of %d bytes crossed the partition", n, len(sent))
		}
	case <-time.After(time.Minute):
		t.Fatal("nothing crossed the partition: it is one after all")
	}
	c.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
	if n, err := c.Read(make([]byte, 64)); err == nil {
		t.Errorf("%d bytes came back during the partition", n)
	}
	if err := p.RemoveToxic("bandwidth_downstream"); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(sent))
	c.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, sent) {
		t.Errorf("after the heal came %q, %v: want what was held", got, err)
	}
}

// TestGuidesRateIsInKilobytes: a rate of 1024 passes a megabyte a second, and
// not the kilobyte that the guide promises.
func TestGuidesRateIsInKilobytes(t *testing.T) {
	_, _, c, _ := recipe(t, "bandwidth", 1, tc.Attributes{"rate": 1024})
	const n = 256 << 10
	begin := time.Now()
	go c.Write(make([]byte, n))
	if _, err := io.ReadFull(c, make([]byte, n)); err != nil {
		t.Fatal(err)
	}
	took := time.Since(begin)
	t.Logf("256 KiB at rate=1024 took %v; at 1 kB/s it would take 4 minutes", took)
	if took > time.Minute {
		t.Errorf("256 KiB took %v", took)
	}
}

// TestGuidesClearAllClearsNothing: it posts where it should list.
func TestGuidesClearAllClearsNothing(t *testing.T) {
	p, url, _, _ := recipe(t, "latency", 1, tc.Attributes{"latency": 100})
	resp, err := http.Post(url+"/proxies/"+p.Name+"/toxics", "application/json", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("the recipe's request is answered with %s", resp.Status)
	}
	if left, err := p.Toxics(); err != nil || len(left) != 1 {
		t.Errorf("%d toxics are left, %v", len(left), err)
	}
}
