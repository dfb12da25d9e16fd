//go:build linux

package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// serveBroker is a node of a process target: a broker that keeps its data, or
// one that never gets ready.
func serveBroker() {
	if os.Getenv("BROKER_NEVER_READY") == "" {
		_, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DataDir(os.Getenv("BROKER_DATA")), kfake.SyncWrites(),
			kfake.ListenFn(func(network, _ string) (net.Listener, error) { return net.Listen(network, os.Getenv("BROKER_ADDR")) }))
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	fmt.Println("the broker is at work")
	select {}
}

// brokerFile is a cluster file of one such node.
func brokerFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "broker.yaml")
	text := "name: fake\nnodes: 1\nsizes: [1]\nfirst_id: 0\nports: {kafka: {port: 9092}}\nclients: kafka\nadvertised: \"{{.client}}\"\n" +
		"command: [ackproof-broker]\nenv: {BROKER_ADDR: \"{{.addr.kafka}}\", BROKER_DATA: \"{{.data}}\"}\n"
	text = strings.Replace(text, "{{.client}}", "{{.addr.kafka}}", 1) // it names itself by where it listens
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// mark is a variable of the environment by which everything that a run starts
// can be found.
const mark = "ACKPROOF_TEST_RUN"

// signalBroker sends a signal to the run's broker, behind the run's back.
func signalBroker(t *testing.T, u *underWay, s syscall.Signal) {
	t.Helper()
	for _, v := range u.Env {
		if value, ok := strings.CutPrefix(v, mark+"="); ok {
			for cmd, pid := range marked(value) {
				if strings.HasPrefix(cmd, "ackproof-broker") {
					if err := syscall.Kill(pid, s); err != nil {
						t.Error(err)
					}
				}
			}
		}
	}
}

// marked lists the processes that carry the mark, by command and id.
func marked(value string) map[string]int {
	out := map[string]int{}
	all, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range all {
		b, err := os.ReadFile(path)
		if err == nil && strings.Contains("\x00"+string(b), "\x00"+mark+"="+value+"\x00") {
			cmd, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			out[fmt.Sprintf("%s(%d)", strings.ReplaceAll(string(cmd), "\x00", " "), pid)] = pid
		}
	}
	return out
}

// atWork awaits the processes of a run: both of ours, and the broker. A broker's
// log is there before its process is.
func atWork(t *testing.T, value string) {
	t.Helper()
	for end := time.Now().Add(eventLimit); len(marked(value)) < 3; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("at work are only %v", marked(value))
		}
	}
}

// gone demands that nothing with the mark lives on.
func gone(t *testing.T, value string) {
	t.Helper()
	for end := time.Now().Add(eventLimit); ; time.Sleep(20 * time.Millisecond) {
		left := marked(value)
		if len(left) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("left behind: %v", left)
		}
	}
}

// TestNothingIsLeft ends runs in each of their phases, by Ctrl-C and by kill -9,
// with a broker whose process is theirs: no process lives on, and with them every
// proxy and every rule of theirs is gone.
func TestNothingIsLeft(t *testing.T) {
	t.Parallel()
	plan := filepath.Join(t.TempDir(), "plan.json")
	if err := os.WriteFile(plan, []byte(`[{"at":"600ms","for":"8m","fault":"pause","on":["n1"]}]`), 0o644); err != nil {
		t.Fatal(err)
	}
	file := brokerFile(t)
	quietNet := []string{"--nemesis", "none"}
	for _, phase := range []struct {
		name  string
		flags []string
		ready func(t *testing.T, u *underWay)
	}{
		{"start", nil, func(t *testing.T, u *underWay) { u.exists(t, "data/n1/log") }},
		{"calm", append(quietNet, "--calm", "5m"), func(t *testing.T, u *underWay) { u.await(t, " calm ") }},
		{"fault", []string{"--plan", plan}, func(t *testing.T, u *underWay) { u.await(t, "pause n1") }},
		{"heal", append(quietNet, "--time-limit", "1s", "--recovery", "5m"), func(t *testing.T, u *underWay) { u.await(t, " heal ") }},
		{"quiet", append(quietNet, "--time-limit", "1s", "--quiet-time", "5m"), func(t *testing.T, u *underWay) { u.await(t, " quiet ") }},
		{"final reads", append(quietNet, "--time-limit", "1s", "--quiet-time", "8s"), func(t *testing.T, u *underWay) {
			u.await(t, " quiet ")
			signalBroker(t, u, syscall.SIGSTOP) // within the quiet time: the reads never end
			u.await(t, " final ")
		}},
	} {
		for _, how := range []string{"Ctrl-C", "kill -9"} {
			t.Run(phase.name+" "+how, func(t *testing.T) {
				flags := append([]string{"--target", "process:" + file, "--rate", "200"}, phase.flags...)
				value := fmt.Sprintf("%d-%s", os.Getpid(), strings.ReplaceAll(phase.name+how, " ", ""))
				env := []string{mark + "=" + value}
				if phase.name == "start" {
					env = append(env, "BROKER_NEVER_READY=1")
				}
				u := start(t, env, flags...)
				phase.ready(t, u)
				atWork(t, value)
				if how == "kill -9" {
					_ = u.Process.Kill()
				} else {
					_ = u.Process.Signal(syscall.SIGINT)
					if phase.name != "start" && phase.name != "fault" { // these end by themselves after one
						time.AfterFunc(500*time.Millisecond, func() { _ = u.Process.Signal(syscall.SIGINT) })
					}
				}
				if code := u.exit(t, eventLimit); code == exitInternal && how == "Ctrl-C" {
					t.Errorf("exit code %d:\n%s", code, u.stdout.String())
				}
				gone(t, value)
			})
		}
	}
}

// TestNoNamespaceIsLeft kills a run that lives in a network namespace: nobody is
// left in there, so that it is gone.
func TestNoNamespaceIsLeft(t *testing.T) {
	t.Parallel()
	value := fmt.Sprintf("%d-netns", os.Getpid())
	u := start(t, []string{mark + "=" + value}, "--netns", "--nemesis", "none", "--calm", "5m")
	select {
	case line := <-u.stderr:
		if strings.Contains(line, "ackproof: ") && os.Getenv("ACKPROOF_REQUIRE_NETNS") != "1" {
			t.Skipf("SKIPPED: %s; ACKPROOF_REQUIRE_NETNS=1 makes this a failure", line)
		}
	case <-time.After(eventLimit):
		t.Fatal("the run says nothing")
	}
	u.await(t, " ops/s ")
	_ = u.Process.Kill()
	u.exit(t, eventLimit)
	gone(t, value)
}

// TestDeathIsTold lets a node die that nobody told to: the history and the
// summary say so.
func TestDeathIsTold(t *testing.T) {
	t.Parallel()
	value := fmt.Sprintf("%d-death", os.Getpid())
	u := start(t, []string{mark + "=" + value}, "--target", "process:"+brokerFile(t), "--rate", "200", "--nemesis", "none", "--whole-limit", "1s", "--final-limit", "1s")
	u.await(t, " ops/s ")
	signalBroker(t, u, syscall.SIGKILL)
	if err := u.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	u.exit(t, eventLimit)
	const told = "n1 ended by itself: signal: killed"
	if out := u.stdout.String(); !strings.Contains(out, "remarks:\n") || !strings.Contains(out, told) {
		t.Errorf("the summary does not say %q:\n%s", told, out)
	}
	history, err := os.ReadFile(filepath.Join(u.dir, "history.jsonl"))
	if err != nil || !strings.Contains(string(history), told) {
		t.Errorf("the history does not say %q (%v)", told, err)
	}
	gone(t, value)
}
