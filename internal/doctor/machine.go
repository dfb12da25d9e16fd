package doctor

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/ackproof/ackproof/internal/proc"
	"github.com/ackproof/ackproof/internal/target/clusterfile"
	"github.com/ackproof/ackproof/internal/target/kafkadist"
)

// tool is a program that some targets or faults need.
type tool struct{ name, needs, mend string }

var programs = []tool{
	{"java", "--target kafka runs real brokers on it", "apt-get install openjdk-17-jre-headless"},
	{"mvn", "it fetches the brokers' jars for --target kafka, unless KAFKA_HOME names an unpacked Kafka", "apt-get install maven"},
	{"nft", "packet loss with --netns is made by it", "apt-get install nftables"},
}

// tools looks for programs. A missing one is a finding where the target cannot
// do without.
func tools(ctx context.Context, p *patient) {
	target, _, _ := strings.Cut(p.Target, ":")
	for _, t := range programs {
		path, err := exec.LookPath(t.name)
		missing := err != nil && !(t.name == "mvn" && os.Getenv("KAFKA_HOME") != "")
		switch {
		case err == nil && t.name == "java" && target == "kafka" && kafkadist.CheckJava(ctx, path) != nil:
			p.find(kafkadist.CheckJava(ctx, path).Error(), t.needs, t.mend)
		case err == nil:
			p.note(t.name + " is at " + path)
		case missing && target == "kafka" && t.name != "nft":
			p.find(t.name+" is not installed", t.needs, t.mend)
		default:
			p.note(fmt.Sprintf("%s is not installed: %s; %s", t.name, t.needs, t.mend))
		}
	}
	if file, ok := strings.CutPrefix(p.Target, "process:"); ok {
		p.broker(file)
	}
}

// broker looks for the programs that a cluster file starts.
func (p *patient) broker(file string) {
	const why = "the cluster file starts its nodes with it"
	f, err := clusterfile.Load(file)
	var r *clusterfile.Rendered
	if err == nil {
		r, err = f.Render(clusterfile.Layout{Block: 77, Nodes: f.Nodes, Dir: os.TempDir(), Routed: true})
	}
	if err != nil {
		p.find(err.Error(), "the target cannot be started", "correct the file (docs/cluster-files.md)")
		return
	}
	seen := map[string]bool{}
	for _, argv := range append(r.Nodes[0].Prepare, r.Nodes[0].Command) {
		name := argv[0]
		if seen[name] {
			continue
		}
		seen[name] = true
		if path, err := exec.LookPath(name); err != nil {
			p.find(name+" is not installed", why, "install it, or name it in the file or the variable that the file reads")
		} else {
			p.note(name + " is at " + path)
		}
	}
}

// leastFiles are the open files that a run with a few hundred clients needs: each
// has connections to every broker, and a proxy two for each of them.
const leastFiles = 4096

func limits(_ context.Context, p *patient) {
	soft, ok := openFiles()
	switch {
	case !ok:
		p.note("this platform does not tell the limit of open files")
	case soft < leastFiles:
		p.find(fmt.Sprintf("a process may open %d files", soft),
			"every client has connections to every broker, and a proxy two for each of them: a run would fail for want of them",
			fmt.Sprintf("ulimit -n %d", 4*leastFiles))
	default:
		p.note(fmt.Sprintf("a process may open %d files", soft))
	}
}

// ports looks who holds the ports of the Toxiproxy server and its proxies.
func ports(_ context.Context, p *patient) {
	if p.Toxiproxy == "" {
		return
	}
	u, err := url.Parse(p.Toxiproxy)
	if err != nil || !local(u.Hostname()) {
		p.note("the Toxiproxy server is on another machine: who holds its ports cannot be seen from here")
		return
	}
	api, _ := strconv.Atoi(u.Port())
	holder := p.holder(api)
	if holder == nil {
		p.find(fmt.Sprintf("nobody listens on port %d", api), "there is no Toxiproxy server to make faults with",
			"ackproof proxies serve (or toxiproxy-server -port "+u.Port()+")")
	}
	if p.Topology == nil {
		return
	}
	for _, t := range p.Topology.Proxies {
		_, port, _ := net.SplitHostPort(t.Listen)
		n, _ := strconv.Atoi(port)
		held := p.holder(n)
		if held == nil {
			continue // the check of the proxies says which are missing
		}
		if holder != nil && held.PID != 0 && holder.PID != 0 && held.PID != holder.PID {
			p.find(fmt.Sprintf("port %d, where %s should listen, is held by %s (pid %d)", n, t.Name, held.Name, held.PID),
				"the proxy cannot be made there, and clients would talk to somebody else",
				fmt.Sprintf("kill %d, if it is yours, then ackproof proxies create", held.PID))
		}
	}
}

// holder is who listens on the port; nil: nobody, or it cannot be told.
func (p *patient) holder(port int) *proc.Listener {
	held, err := proc.Listeners(port)
	if err != nil {
		return nil
	}
	for _, l := range held {
		if l.Takes("127.0.0.1") || l.Takes("::1") {
			return &l
		}
	}
	return nil
}

// local tells whether a host is this machine.
func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && (ip.IsLoopback() || ip.IsUnspecified())
}
