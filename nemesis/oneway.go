package nemesis

import (
	"context"
	"time"

	"github.com/ackproof/ackproof/nemesis/toxic"
)

var onewayRequest = Fault{
	Name:       "oneway-request",
	Doc:        "Requests are lost, answers flow: what is asked does not happen, and answers to what was asked before still come.",
	InContract: true,
	OwnProof:   true,
	Cut:        true,
	Inject:     cutRequests,
	Watch: func(w *World, e Event, node string) Watch {
		return &silent{watched: watchLink(w, e, node), cutUp: true}
	},
}

var onewayReply = Fault{
	Name:       "oneway-reply",
	Doc:        "Answers are lost, requests flow: an append happens and its acknowledgement never comes.",
	InContract: true,
	Cut:        true,
	Inject:     onLinks(lost(Downstream)),
	Watch: func(w *World, e Event, node string) Watch {
		return &silent{watched: watchLink(w, e, node), cutDown: true}
	},
}

// cutRequests loses requests. Nothing is asked during the cut, so that nothing
// could be seen to flow the other way: therefore an answer is held back for a
// moment and set free once the cut stands.
func cutRequests(ctx context.Context, w *World, e Event) (Heal, error) {
	var held []*line
	for _, node := range e.On {
		if k, err := w.Links.link(node); err == nil && k.up != nil {
			if l := k.holdAnswer(ctx); l != nil {
				held = append(held, l)
			}
		}
	}
	heal, err := onLinks(lost(Upstream))(ctx, w, e)
	return func(ctx context.Context) error {
		for _, l := range held {
			l.Close()
		}
		return heal(ctx)
	}, err
}

// holdAnswer holds all answers on the link and returns when there is one, or
// after a short while. The next shape sets them free.
func (k *link) holdAnswer(ctx context.Context) *line {
	k.mu.Lock()
	k.down.Set(toxic.Params{Stall: true})
	k.mu.Unlock()
	l, err := k.open(ctx, silence)
	if err != nil {
		return nil
	}
	l.SetDeadline(time.Now().Add(silence))
	if _, err := l.Write(apiVersions(1)); err != nil {
		l.Close()
		return nil
	}
	for end := time.Now().Add(silence); k.down.Counters().Held() == 0 && time.Now().Before(end); {
		if !wait(ctx, time.Millisecond) {
			break
		}
	}
	return l
}
