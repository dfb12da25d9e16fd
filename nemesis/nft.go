package nemesis

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// nftLimit bounds a call of nft, which takes milliseconds.
const nftLimit = 5 * time.Second

// nftTable is our own table. It lives in the run's network namespace and goes
// with it.
const nftTable = "inet ackproof"

// nftPlaces is where nft may be: users other than root have no sbin on their path.
var nftPlaces = []string{"nft", "/usr/sbin/nft", "/sbin/nft"}

// nftProgram finds nft; empty: it is not installed.
func nftProgram() string {
	for _, p := range nftPlaces {
		if path, err := exec.LookPath(p); err == nil {
			return path
		}
	}
	return ""
}

// CheckNft says whether packets can be dropped in this network namespace.
func CheckNft(ctx context.Context) error {
	if nftProgram() == "" {
		return errors.New("packets are dropped by nft, which is not installed: install nftables, or leave out --netns")
	}
	if err := nft(ctx, "add table "+nftTable); err != nil {
		return fmt.Errorf("this kernel lets no packets be dropped here (it needs nf_tables): %w; leave out --netns", err)
	}
	return nil
}

// nft runs a script of nft's own language.
func nft(ctx context.Context, script string) error {
	_, err := runNft(ctx, script, "-f", "-")
	return err
}

func runNft(ctx context.Context, in string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, nftLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, nftProgram(), args...)
	cmd.Stdin = strings.NewReader(in)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		first, _, _ := strings.Cut(strings.TrimSpace(said.String()), "\n")
		return out, fmt.Errorf("nft: %w: %s", err, first)
	}
	return out, nil
}

// packetRule drops a share of what passes from one node to another.
type packetRule struct {
	name  string   // of the chain
	share float64  // 0 to 1
	to    []string // IPs of proxies whose senders are hit: what a node sends to a node it dialled
	from  []string // IPs of proxies whose answers are hit: what it sends to a node that dialled it

}

// newPacketRule makes the rule of an event. Node i reaches node j at an address
// of their own, so that one address and a direction name one way of one pair.
func newPacketRule(p *Peers, e Event, share float64) (*packetRule, error) {
	r := &packetRule{name: fmt.Sprintf("event%d", max(e.ID, 0)), share: share}
	for _, route := range p.routes {
		host, _, err := net.SplitHostPort(route.Listen)
		if err != nil {
			return nil, fmt.Errorf("the way %s: %w", route.Name(), err)
		}
		facing := route.facing(e)
		if (facing == Upstream || facing == Both) && !slices.Contains(r.to, host) {
			r.to = append(r.to, host)
		}
		if (facing == Downstream || facing == Both) && !slices.Contains(r.from, host) {
			r.from = append(r.from, host)
		}
	}
	if len(r.to)+len(r.from) == 0 {
		return nil, errors.New("no way between nodes is on its way")
	}
	return r, nil
}

// script is the rule in nft's language. Packets are dropped where they arrive:
// a sender whose own packet is refused would know.
func (r *packetRule) script() string {
	var b strings.Builder
	fmt.Fprintf(&b, "table %s {\n counter %s_dropped { }\n counter %s_seen { }\n chain %s {\n  type filter hook input priority 0; policy accept;\n",
		nftTable, r.name, r.name, r.name)
	for _, m := range []struct {
		side  string
		hosts []string
	}{{"daddr", r.to}, {"saddr", r.from}} {
		if len(m.hosts) == 0 {
			continue
		}
		match := fmt.Sprintf("ip %s { %s }", m.side, strings.Join(m.hosts, ", "))
		lot := ""
		if r.share < 1 {
			lot = fmt.Sprintf(" numgen random mod 10000 < %d", int(r.share*10000))
		}
		fmt.Fprintf(&b, "  %s counter name %s_seen\n  %s%s counter name %s_dropped drop\n", match, r.name, match, lot, r.name)
	}
	b.WriteString(" }\n}\n")
	return b.String()
}

func (r *packetRule) lay(ctx context.Context) error { return nft(ctx, r.script()) }

// lift takes the rule away. Where it is gone already, that is no error.
func (r *packetRule) lift(ctx context.Context) error {
	there, err := chains(ctx)
	if err != nil || !slices.Contains(there, r.name) {
		return err
	}
	return nft(ctx, fmt.Sprintf("delete chain %s %s\ndelete counter %s %s_dropped\ndelete counter %s %s_seen\n",
		nftTable, r.name, nftTable, r.name, nftTable, r.name))
}

// counted is how many packets the rule has seen, and dropped.
func (r *packetRule) counted(ctx context.Context) (seen, dropped int64, err error) {
	items, err := listed(ctx, "counters")
	for _, i := range items {
		if c := i.Counter; c != nil {
			switch c.Name {
			case r.name + "_seen":
				seen = c.Packets
			case r.name + "_dropped":
				dropped = c.Packets
			}
		}
	}
	return seen, dropped, err
}

// nftItem is one thing of nft's JSON output.
type nftItem struct {
	Chain *struct {
		Table, Name string
	}
	Counter *struct {
		Table, Name string
		Packets     int64
	}
}

// listed lists what stands in our table.
func listed(ctx context.Context, what string) ([]nftItem, error) {
	out, err := runNft(ctx, "", "-j", "list", what)
	if err != nil {
		return nil, err
	}
	var all struct {
		Nftables []nftItem `json:"nftables"`
	}
	if err := json.Unmarshal(out, &all); err != nil {
		return nil, fmt.Errorf("nft lists %s: %w", what, err)
	}
	_, table, _ := strings.Cut(nftTable, " ")
	return slices.DeleteFunc(all.Nftables, func(i nftItem) bool {
		return !(i.Chain != nil && i.Chain.Table == table || i.Counter != nil && i.Counter.Table == table)
	}), nil
}

// chains lists the rules that stand.
func chains(ctx context.Context) ([]string, error) {
	items, err := listed(ctx, "chains")
	var out []string
	for _, i := range items {
		if i.Chain != nil {
			out = append(out, i.Chain.Name)
		}
	}
	return out, err
}

// dropRules takes every rule of ours away.
func dropRules(ctx context.Context) error {
	return nft(ctx, fmt.Sprintf("add table %s\ndelete table %s\n", nftTable, nftTable))
}
