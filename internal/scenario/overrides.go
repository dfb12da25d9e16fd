package scenario

import (
	"maps"
	"reflect"
	"strings"

	"github.com/ackproof/ackproof/internal/run"
)

// overrides are the fields of a run that a scenario may state. What is left out
// stays as the command line, or the default, has it.
type overrides struct {
	Workload    *string           `yaml:"workload"`
	Calm        *run.Duration     `yaml:"calm"`
	Recovery    *run.Duration     `yaml:"recovery"`
	Quiet       *run.Duration     `yaml:"quiet"`
	FinalLimit  *run.Duration     `yaml:"final_limit"`
	WholeLimit  *run.Duration     `yaml:"whole_limit"`
	OpTimeout   *run.Duration     `yaml:"op_timeout"`
	PollWait    *run.Duration     `yaml:"poll_wait"`
	Rate        *float64          `yaml:"rate"`
	Concurrency *string           `yaml:"concurrency"`
	Nodes       *int              `yaml:"nodes"`
	Topics      *int              `yaml:"topics"`
	Partitions  *int              `yaml:"partitions"`
	Replication *int              `yaml:"replication"`
	Batch       *int              `yaml:"batch"`
	RecordSize  *int              `yaml:"record_size"`
	Compression *string           `yaml:"compression"`
	Acks        *string           `yaml:"acks"`
	Idempotence *bool             `yaml:"idempotence"`
	Model       *string           `yaml:"model"`
	MinAcked    *int              `yaml:"min_acked"`
	Durability  *string           `yaml:"durability"`
	TopicConfig map[string]string `yaml:"topic_config"`
}

// apply puts what is stated into the spec. The names of the fields are those of
// the Spec.
func (o overrides) apply(s *run.Spec) {
	from, to := reflect.ValueOf(o), reflect.ValueOf(s).Elem()
	for i := range from.NumField() {
		v := from.Field(i)
		if v.Kind() == reflect.Pointer && !v.IsNil() {
			to.FieldByName(from.Type().Field(i).Name).Set(v.Elem())
		}
	}
	if len(o.TopicConfig) > 0 {
		config := maps.Clone(o.TopicConfig)
		for k, v := range s.TopicConfig { // the command line goes before the file
			config[k] = v
		}
		s.TopicConfig = config
	}
}

// given are the yaml names of what is stated.
func (o overrides) given() map[string]bool {
	out := map[string]bool{}
	v := reflect.ValueOf(o)
	for i := range v.NumField() {
		if !v.Field(i).IsZero() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
			out[name] = true
		}
	}
	return out
}
