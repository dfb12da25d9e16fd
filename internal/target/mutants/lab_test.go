package mutants

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	testTopic      = "t"
	testPartitions = 4
	testNodes      = 2
	testProducers  = 4
)

// lab is a cluster behind a broken broker. Partition p is led by node p%testNodes.
type lab struct {
	t       *testing.T
	broker  *Broker
	fake    *kfake.Cluster
	topicID [16]byte

	sent int // rounds run so far

	mu      sync.Mutex
	clock   int64
	acks    []ack
	fetches []fetch
	lists   []list
}

type ack struct {
	called, returned int64
	partition        int32
	offset           int64
	value            string
	code             int16
}

type fetch struct {
	called        int64
	partition     int32
	position, end int64 // end: the high watermark
	records       []record
	epoch         int32 // of the last batch
}

type list struct {
	called, returned int64
	partition        int32
	end              int64
}

type record struct {
	offset int64
	value  string
}

func newLab(t *testing.T, m Mutant, o Options, more ...kfake.Opt) *lab {
	t.Helper()
	o.Value = valueOf
	l := &lab{t: t, broker: New(m, o)}
	opts := append([]kfake.Opt{
		kfake.NumBrokers(testNodes), kfake.SeedTopics(testPartitions, testTopic),
		kfake.ListenFn(func(network, addr string) (net.Listener, error) {
			ln, err := net.Listen(network, addr)
			if err != nil {
				return nil, err
			}
			return l.broker.Wrap(ln), nil
		}),
	}, more...)
	var err error
	if l.fake, err = kfake.NewCluster(opts...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.fake.Close)
	for p := range int32(testPartitions) {
		if err := l.fake.MoveTopicPartition(testTopic, p, p%testNodes); err != nil {
			t.Fatal(err)
		}
	}
	l.topicID = l.fake.TopicInfo(testTopic).TopicID
	return l
}

// Values are "producer.sequence.partition." and a last byte that must be there.
const lastByte = "!"

func value(producer, n int, partition int32) string {
	return fmt.Sprintf("%d.%d.%d.%s", producer, n, partition, lastByte)
}

func valueOf(payload []byte) int64 {
	var producer, n int64
	var partition int32
	if _, err := fmt.Sscanf(string(payload), "%d.%d.%d.", &producer, &n, &partition); err != nil {
		return -1
	}
	return n*testProducers + producer
}

func partitionOf(value string) (p int32, ok bool) {
	var a, b int
	_, err := fmt.Sscanf(value, "%d.%d.%d.", &a, &b, &p)
	return p, err == nil
}

func (l *lab) tick() int64 { // with l.mu held
	l.clock++
	return l.clock
}

func (l *lab) now() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tick()
}

// client is a client of the lab that knows its brokers and the topic's id.
func (l *lab) client() *kgo.Client {
	c, err := kgo.NewClient(kgo.SeedBrokers(l.fake.ListenAddrs()...), kgo.DisableClientMetrics())
	if err != nil {
		l.t.Fatal(err)
	}
	req := kmsg.NewPtrMetadataRequest()
	rt := kmsg.NewMetadataRequestTopic()
	rt.Topic = kmsg.StringPtr(testTopic)
	req.Topics = append(req.Topics, rt)
	if _, err := req.RequestWith(context.Background(), c); err != nil {
		l.t.Error(err)
	}
	return c
}

func leader(c *kgo.Client, partition int32) *kgo.Broker { return c.Broker(int(partition % testNodes)) }

// newBatch is an uncompressed batch of these values.
func newBatch(values ...string) batch {
	head := make(batch, atRecords)
	head[atMagic] = 2
	for i := atProducer; i < atProducerE; i++ {
		head[i] = 0xff
	}
	binary.BigEndian.PutUint32(head[atAttrs+2:], uint32(len(values)-1))
	binary.BigEndian.PutUint64(head[27:], uint64(time.Now().UnixMilli()))
	binary.BigEndian.PutUint64(head[35:], uint64(time.Now().UnixMilli()))
	binary.BigEndian.PutUint32(head[atCount:], uint32(len(values)))
	var records []kmsg.Record
	for i, v := range values {
		r := kmsg.NewRecord()
		r.OffsetDelta, r.Value = int32(i), []byte(v)
		records = append(records, r)
	}
	return head.of(records)
}

// produce sends one record by a single attempt.
func (l *lab) produce(c *kgo.Client, partition int32, v string) error {
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = -1, 1000
	t := kmsg.NewProduceRequestTopic()
	t.Topic, t.TopicID = testTopic, l.topicID
	p := kmsg.NewProduceRequestTopicPartition()
	p.Partition, p.Records = partition, newBatch(v)
	t.Partitions = append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	called := l.now()
	resp, err := req.RequestWith(context.Background(), leader(c, partition))
	if err != nil {
		return err
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 || resp.Topics[0].Partitions[0].Partition != partition {
		return fmt.Errorf("malformed answer %+v", resp.Topics)
	}
	a := resp.Topics[0].Partitions[0]
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acks = append(l.acks, ack{called, l.tick(), partition, a.BaseOffset, v, a.ErrorCode})
	return nil
}

// fetch reads once, what the broker sent in the order in which it sent it, and
// returns the position after it.
func (l *lab) fetch(c *kgo.Client, partition int32, position int64) (int64, error) {
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes, req.SessionEpoch = 2, 1, 1<<20, -1
	t := kmsg.NewFetchRequestTopic()
	t.Topic, t.TopicID = testTopic, l.topicID
	p := kmsg.NewFetchRequestTopicPartition()
	p.Partition, p.FetchOffset, p.PartitionMaxBytes, p.CurrentLeaderEpoch = partition, position, 1<<20, -1
	t.Partitions = append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	called := l.now()
	resp, err := req.RequestWith(context.Background(), leader(c, partition))
	if err != nil {
		return position, err
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 || resp.Topics[0].Partitions[0].ErrorCode != 0 {
		return position, fmt.Errorf("malformed answer %+v", resp.Topics)
	}
	got := resp.Topics[0].Partitions[0]
	f := fetch{called: called, partition: partition, position: position, end: got.HighWatermark}
	batches, rest := split(got.RecordBatches)
	if len(rest) > 0 {
		return position, fmt.Errorf("%d bytes that are no batch", len(rest))
	}
	next := position
	for _, b := range batches {
		if b.crc() != b.clone().sealed().crc() {
			return position, fmt.Errorf("the batch at %d has a wrong checksum", b.base())
		}
		f.epoch = int32(binary.BigEndian.Uint32(b[lengthFrom:]))
		records, err := b.records()
		if err != nil {
			return position, err
		}
		for _, r := range records {
			if o := b.base() + int64(r.OffsetDelta); o >= position {
				f.records = append(f.records, record{o, string(r.Value)})
			}
		}
		next = max(next, b.base()+int64(binary.BigEndian.Uint32(b[atAttrs+2:]))+1)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fetches = append(l.fetches, f)
	return next, nil
}

// list asks for a partition's end.
func (l *lab) list(c *kgo.Client, partition int32) error {
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1
	t := kmsg.NewListOffsetsRequestTopic()
	t.Topic = testTopic
	p := kmsg.NewListOffsetsRequestTopicPartition()
	p.Partition, p.Timestamp, p.CurrentLeaderEpoch = partition, -1, -1
	t.Partitions = append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	called := l.now()
	resp, err := req.RequestWith(context.Background(), leader(c, partition))
	if err != nil {
		return err
	}
	a := resp.Topics[0].Partitions[0]
	if a.ErrorCode != 0 {
		return fmt.Errorf("list offsets: error code %d", a.ErrorCode)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lists = append(l.lists, list{called, l.tick(), partition, a.Offset})
	return nil
}

// proven counts the sins that are in the history.
func (l *lab) proven() (n int) {
	for _, s := range l.broker.Ledger() {
		if s.Proven {
			n++
		}
	}
	return n
}

// run produces rounds records by each producer, while readers read and an
// observer asks for ends. A producer reconnects now and then.
func (l *lab) run(rounds int) {
	var producers, readers sync.WaitGroup
	done := make(chan struct{})
	check := func(what string, err error) bool {
		if err != nil {
			l.t.Errorf("%s: %v", what, err)
		}
		return err == nil
	}
	for i := range testProducers {
		producers.Go(func() {
			c := l.client()
			defer func() { c.Close() }()
			for n := l.sent; n < l.sent+rounds; n++ {
				if n%50 == 49 {
					c.Close()
					c = l.client()
				}
				p := int32((n + i) % testPartitions)
				if err := l.produce(c, p, value(i, n, p)); err != nil {
					c.Close() // nobody knows what became of it; on with another connection
					c = l.client()
				}
			}
		})
	}
	for range 2 {
		readers.Go(func() {
			c := l.client()
			defer c.Close()
			var at [testPartitions]int64
			for {
				for p := range int32(testPartitions) {
					next, err := l.fetch(c, p, at[p])
					if !check("fetch", err) {
						return
					}
					at[p] = next
				}
				select {
				case <-done:
					return
				case <-time.After(3 * time.Millisecond):
				}
			}
		})
	}
	readers.Go(func() {
		c := l.client()
		defer c.Close()
		for {
			for p := range int32(testPartitions) {
				if !check("list", l.list(c, p)) {
					return
				}
			}
			select {
			case <-done:
				return
			case <-time.After(time.Millisecond):
			}
		}
	})
	producers.Wait()
	close(done)
	readers.Wait()
	l.sent += rounds
}

// final reads every partition from its start, after the broker has become
// honest again.
func (l *lab) final() (all [testPartitions][]record) {
	for deadline := time.Now().Add(busyFor); time.Now().Before(deadline); {
		time.Sleep(time.Until(deadline))
	}
	c := l.client()
	defer c.Close()
	for p := range int32(testPartitions) {
		first := len(l.fetches)
		end := l.fake.PartitionInfo(testTopic, p).HighWatermark
		for at := int64(0); at < end; {
			next, err := l.fetch(c, p, at)
			if err != nil || next == at {
				l.t.Fatalf("final read of partition %d stops at %d of %d: %v", p, at, end, err)
			}
			at = next
		}
		for _, f := range l.fetches[first:] {
			all[p] = append(all[p], f.records...)
		}
	}
	return all
}
