// Package explain tells on one screen what happened to one record: who was
// promised what, what stands there now, which faults were active, what the
// contract says of it, and the operations around it.
package explain

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
)

// Options say what to explain and how to draw it.
type Options struct {
	// Which is the anomaly: its number in the verdict, from 1, or its kind;
	// empty: the first.
	Which   string
	Example int  // of its examples, from 1; 0: the first
	Colour  bool // escape sequences of a terminal
}

// Show writes one screen about an anomaly of the verdict. open opens the
// history that was judged. An error says that there is no such anomaly, or that
// the history cannot be read.
func Show(w io.Writer, v checker.Verdict, open func() (histories.Reader, error), o Options) error {
	at, err := choose(&v, o.Which)
	if err != nil {
		return err
	}
	if at < 0 {
		_, err := fmt.Fprintf(w, "no anomaly; the verdict is %s\n", v.Valid)
		return err
	}
	a := &v.Anomalies[at]
	if o.Example < 1 {
		o.Example = 1
	}
	if o.Example > len(a.Examples) {
		return fmt.Errorf("there is no example %d of %s: the verdict keeps %d of %d", o.Example, a.Kind, len(a.Examples), a.Count)
	}
	s, err := read(open, a, &a.Examples[o.Example-1])
	if err != nil {
		return err
	}
	sc := &screen{story: s, verdict: &v, at: at, o: o}
	_, err = io.WriteString(w, sc.String())
	return err
}

// choose finds the anomaly by its number or its kind; -1 where there is none at
// all and none was asked for.
func choose(v *checker.Verdict, which string) (int, error) {
	if which == "" {
		if len(v.Anomalies) == 0 {
			return -1, nil
		}
		return 0, nil
	}
	if n, err := strconv.Atoi(which); err == nil {
		if n < 1 || n > len(v.Anomalies) {
			return -1, fmt.Errorf("there is no anomaly %d: the verdict has %s", n, kindsOf(v))
		}
		return n - 1, nil
	}
	for i := range v.Anomalies {
		if string(v.Anomalies[i].Kind) == which {
			return i, nil
		}
	}
	return -1, fmt.Errorf("the verdict has no anomaly %q; it has %s", which, kindsOf(v))
}

func kindsOf(v *checker.Verdict) string {
	if len(v.Anomalies) == 0 {
		return "none"
	}
	s := make([]string, len(v.Anomalies))
	for i := range v.Anomalies {
		s[i] = fmt.Sprintf("%d %s", i+1, v.Anomalies[i].Kind)
	}
	return strings.Join(s, ", ")
}

// read tells the story of an example by one read of the history. What cannot be
// read ends it: a torn history has a sound beginning.
func read(open func() (histories.Reader, error), a *checker.Anomaly, e *checker.Example) (*story, error) {
	r, err := open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	h, _ := r.Header()
	s := newStory(h, a, e)
	for {
		op, err := r.Next()
		var torn *histories.SyntaxError
		if errors.Is(err, io.EOF) || errors.As(err, &torn) {
			s.end()
			return s, nil
		}
		if err != nil {
			return nil, fmt.Errorf("look up what happened to it: %w", err)
		}
		s.observe(op)
	}
}
