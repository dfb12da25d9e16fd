//go:build linux

package target

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ackproof/ackproof/internal/target/kafkadist"
	"github.com/ackproof/ackproof/internal/target/kafkatest"
)

// needKafka skips where Kafka cannot be run, unless it must.
func needKafka(t *testing.T) {
	t.Helper()
	err := kafkadist.Available("")
	if err != nil && !kafkatest.Required() {
		t.Skipf("SKIPPED: %v; ACKPROOF_REQUIRE_KAFKA=1 makes this a failure", err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestKafkaDiesWithItsParent kills whoever started Kafka outright: no JVM lives on, and
// the addresses are free.
func TestKafkaDiesWithItsParent(t *testing.T) {
	needKafka(t)
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), kafkaParent+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var pid, block int
	if _, err := fmt.Sscan(line, &pid, &block); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
		if err != nil || strings.Contains(string(b), ") Z ") {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the JVM lives on")
		}
	}
	held, err := net.Listen("unix", fmt.Sprintf("@ackproof-127.%d", block))
	if err != nil {
		t.Fatalf("the addresses are not free: %v", err)
	}
	held.Close()
}

// kafkaParent makes the test's own binary start a Kafka in that directory.
const kafkaParent = "ACKPROOF_TEST_KAFKA_PARENT"

func serveKafka(dir string) {
	c, err := Start(context.Background(), "kafka", Config{Nodes: 1, DataDir: dir, Timeout: 30 * time.Second})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(c.(*managed).PID("n1"), c.(*managed).block.number)
	select {}
}
