package doctor

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// ask asks the broker at addr, dialling whatever dial says, for its cluster's
// metadata, and how long an answer takes once the connection stands.
func (p *patient) ask(ctx context.Context, addr string) (meta kadm.Metadata, version string, took time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, p.Limit)
	defer cancel()
	client, err := kgo.NewClient(
		kgo.SeedBrokers(addr), kgo.ClientID("ackproof-doctor"), kgo.DisableClientMetrics(),
		kgo.DialTimeout(p.Limit), kgo.RetryTimeout(p.Limit), kgo.RequestTimeoutOverhead(p.Limit), kgo.RequestRetries(0),
	)
	if err != nil {
		return meta, "", 0, err
	}
	defer client.Close()
	seed := client.SeedBrokers()[0]
	resp, err := seed.Request(ctx, kmsg.NewPtrApiVersionsRequest())
	if err != nil {
		return meta, "", 0, err
	}
	begin := time.Now()
	if _, err = seed.Request(ctx, kmsg.NewPtrApiVersionsRequest()); err != nil {
		return meta, "", 0, err
	}
	took = time.Since(begin)
	version = versionGuess(resp)
	raw, err := seed.Request(ctx, kmsg.NewPtrMetadataRequest())
	if err != nil {
		return meta, version, took, err
	}
	for _, b := range raw.(*kmsg.MetadataResponse).Brokers {
		meta.Brokers = append(meta.Brokers, kadm.BrokerDetail{NodeID: b.NodeID, Host: b.Host, Port: b.Port})
	}
	return meta, version, took, nil
}

// features are what of Kafka's protocol a run can make use of.
var features = []struct {
	key  kmsg.Key
	says string
}{
	{kmsg.InitProducerID, "idempotent producers"},
	{kmsg.EndTxn, "transactions"},
	{kmsg.ConsumerGroupHeartbeat, "KIP-848 groups"},
	{kmsg.DeleteRecords, "DeleteRecords"},
	{kmsg.OffsetForLeaderEpoch, "leader epochs"},
	{kmsg.DescribeQuorum, "the quorum's leader"},
}

// versionGuess says what a broker can, from the requests it knows.
func versionGuess(resp kmsg.Response) string {
	r, ok := resp.(*kmsg.ApiVersionsResponse)
	if !ok {
		return ""
	}
	knows := map[int16]bool{}
	for _, k := range r.ApiKeys {
		knows[k.ApiKey] = true
	}
	var has, lacks []string
	for _, f := range features {
		if knows[f.key.Int16()] {
			has = append(has, f.says)
		} else {
			lacks = append(lacks, f.says)
		}
	}
	s := "knows " + strings.Join(has, ", ")
	if len(lacks) > 0 {
		s += "; does not know " + strings.Join(lacks, ", ")
	}
	return s
}

// brokers asks every broker without a proxy.
func brokers(ctx context.Context, p *patient) {
	todo, done := slices.Clone(p.Brokers), map[string]bool{}
	for len(todo) > 0 {
		addr := todo[0]
		todo = todo[1:]
		if done[addr] {
			continue
		}
		done[addr] = true
		meta, can, took, err := p.ask(ctx, addr)
		if err != nil {
			p.find(fmt.Sprintf("no broker answers at %s: %v", addr, err), "there is nobody to test",
				"start the broker, or correct the address; without a cluster: ackproof proxies serve --embedded, or --target embedded")
			continue
		}
		p.note(fmt.Sprintf("the broker at %s answers in %.1f ms and %s", addr, float64(took.Microseconds())/1000, can))
		for _, b := range meta.Brokers {
			a := net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port)))
			if !slices.Contains(p.advertised, a) {
				p.advertised = append(p.advertised, a)
				todo = append(todo, a)
			}
		}
	}
}

// links asks every broker through its proxy.
func links(ctx context.Context, p *patient) {
	for _, s := range p.kafka() {
		if !s.Enabled || len(s.Toxics) > 0 {
			continue // said already, and of course it is slow or silent
		}
		_, _, took, err := p.ask(ctx, s.Listen)
		if err != nil {
			p.find(fmt.Sprintf("no broker answers through %s at %s: %v", s.Name, s.Listen, err),
				"clients cannot reach the broker through it, with or without a fault",
				"start the broker at "+s.Upstream+", or correct the proxy's upstream")
			continue
		}
		p.note(fmt.Sprintf("through %s an answer takes %.1f ms", s.Name, float64(took.Microseconds())/1000))
	}
}

// bypass looks whether every advertised address has a proxy. A client learns
// the brokers' addresses from Metadata and dials those after its first request.
func bypass(_ context.Context, p *patient) {
	if p.server == nil || len(p.kafka()) == 0 {
		return
	}
	for _, addr := range p.advertised {
		through, direct := "", false
		for _, s := range p.kafka() {
			if s.Leads(addr) {
				through = s.Name
			}
			direct = direct || s.Listen == addr
		}
		switch {
		case through == "" && !direct:
			p.find(fmt.Sprintf("the brokers advertise %s, where no proxy leads", addr),
				"clients go round the proxies after their first request, and no fault reaches them there",
				"make a proxy whose upstream is "+addr+", or correct the broker's advertised address")
		case !direct:
			p.note(fmt.Sprintf("the brokers advertise %s: ackproof's clients are led through %s, a client that does not map addresses goes round it", addr, through))
		}
	}
}

// toxics looks for toxics that do nothing, as the packet-loss recipe of the
// chaos guide: a latency of 0 with a toxicity of 0.2 loses no packet.
func toxics(ctx context.Context, p *patient) {
	for _, s := range p.standing {
		for _, t := range s.Toxics {
			why := powerless(t.Type, t.Attributes, float64(t.Toxicity))
			if why == "" && t.Type == "latency" && t.Toxicity == 1 && !p.carries(s, "raft") {
				why = p.unfelt(ctx, s.Listen, number(t.Attributes["latency"]))
			}
			if why != "" {
				p.find(fmt.Sprintf("toxic %s (%s, %s) on %s has no effect: %s", t.Name, t.Type, t.Stream, s.Name, why),
					"a test under it tests nothing", "ackproof proxies reset, and a toxic that acts: see docs/faults.md; packet loss is retransmit, on ackproof's own server")
			}
		}
	}
}

// powerless says why a toxic with these parameters cannot have an effect; empty:
// it can.
func powerless(kind string, attrs map[string]any, toxicity float64) string {
	switch {
	case toxicity == 0:
		return "its toxicity is 0"
	case kind == "latency" && number(attrs["latency"]) == 0 && number(attrs["jitter"]) == 0:
		return "its latency is 0 ms; toxicity chooses connections, it loses nothing"
	case kind == "bandwidth" && number(attrs["rate"]) >= 100_000:
		return fmt.Sprintf("its rate of %v is in kB/s, which is more than the loopback needs", attrs["rate"])
	case kind == "slow_close" && number(attrs["delay"]) == 0:
		return "its delay is 0 ms"
	case kind == "slicer" && number(attrs["average_size"]) == 0:
		return "its pieces have no size"
	}
	return ""
}

// unfelt measures whether a latency is felt on a new connection.
func (p *patient) unfelt(ctx context.Context, addr string, ms float64) string {
	if want := time.Duration(ms * float64(time.Millisecond)); want < p.Limit/2 {
		_, _, took, err := p.ask(ctx, addr)
		if err == nil && took < want*9/10 {
			return fmt.Sprintf("an answer takes %.1f ms", float64(took.Microseconds())/1000)
		}
	}
	return ""
}

// number reads an attribute of a toxic.
func number(v any) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case int:
		return float64(v)
	}
	return 0
}
