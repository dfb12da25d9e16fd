package histories

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// jsonHeader appends the header as the first line of JSON Lines.
func jsonHeader(b []byte, h *Header) []byte {
	text, err := marshal(h)
	if err != nil {
		panic(err) // a Header holds nothing that JSON cannot say
	}
	return append(append(b, text...), '\n')
}

// ednHeader appends the header as the comment that begins an EDN file.
func ednHeader(b []byte, h *Header) []byte {
	return jsonHeader(append(b, headerMark...), h)
}

// isJSONHeader says whether the line is a header and not an entry.
func isJSONHeader(line []byte) bool {
	if !bytes.Contains(line, []byte(`"ackproof"`)) {
		return false
	}
	var probe struct {
		Format json.RawMessage `json:"ackproof"`
		Type   json.RawMessage `json:"type"`
	}
	err := json.Unmarshal(line, &probe)
	return probe.Format != nil && probe.Type == nil ||
		err != nil && bytes.HasPrefix(bytes.TrimLeft(line, " \t"), []byte(`{"ackproof"`))
}

// parseHeader reads the header's JSON.
func parseHeader(line []byte) (Header, *SyntaxError) {
	var h Header
	if err := json.Unmarshal(line, &h); err != nil {
		var typ *json.UnmarshalTypeError
		var syn *json.SyntaxError
		switch {
		case errors.As(err, &typ) && typ.Field != "":
			return Header{}, &SyntaxError{Field: typ.Field, Msg: fmt.Sprintf("the header has a %s where %s is wanted", typ.Value, typ.Type)}
		case errors.As(err, &syn) && syn.Offset >= int64(len(line)), errors.Is(err, io.ErrUnexpectedEOF):
			return Header{}, &SyntaxError{Msg: "the header is no JSON object: " + err.Error(), Torn: true}
		}
		return Header{}, &SyntaxError{Msg: "the header is no JSON object: " + err.Error()}
	}
	if err := h.Validate(); err != nil {
		return Header{}, &SyntaxError{Msg: err.Error()}
	}
	return h, nil
}

// Validate refuses a header that contradicts itself or that this version
// cannot judge by. It says which field is wrong and what is allowed.
func (h *Header) Validate() error {
	if h.Format != FormatVersion {
		return fmt.Errorf("header: this history has format %d and this version reads format %d: use the version that wrote it", h.Format, FormatVersion)
	}
	if h.Workers < 0 {
		return fmt.Errorf("header: workers is %d: want 0 (unknown) or more", h.Workers)
	}
	type place struct {
		topic     string
		partition int32
		life      int64
	}
	keys, places := map[int64]bool{}, map[place]int64{}
	for _, l := range h.Logs {
		if keys[l.Key] {
			return fmt.Errorf("header: logs: key %d stands twice: want each log once", l.Key)
		}
		keys[l.Key] = true
		at := place{l.Topic, l.Partition, l.Life}
		if other, twice := places[at]; twice {
			return fmt.Errorf("header: logs: %s/%d has the keys %d and %d: want each log once", l.Topic, l.Partition, other, l.Key)
		}
		places[at] = l.Key
		if l.Partition < 0 {
			return fmt.Errorf("header: logs: key %d: partition %d: want 0 or more", l.Key, l.Partition)
		}
		if err := l.validate(); err != nil {
			return fmt.Errorf("header: logs: key %d: %w", l.Key, err)
		}
	}
	if err := h.validateGroups(); err != nil {
		return err
	}
	if err := h.Contract.Validate(); err != nil {
		return fmt.Errorf("header: contract: %w", err)
	}
	for i := range h.Expect {
		if err := h.Expect[i].validate(); err != nil {
			return fmt.Errorf("header: %w", err)
		}
	}
	return nil
}

// validate refuses what the header may not say of one log.
func (l *Log) validate() error {
	if l.Life < 0 {
		return fmt.Errorf("life %d: want 0 (the topic has one) or more", l.Life)
	}
	if err := (&Contract{Cleanup: l.Cleanup}).Validate(); err != nil {
		return err
	}
	if _, err := time.ParseDuration(l.Tombstones); l.Tombstones != "" && err != nil {
		return fmt.Errorf("tombstones %q: want a duration, such as 1s", l.Tombstones)
	}
	return nil
}
