package histories

import (
	"reflect"
	"strings"
	"testing"
)

func TestParseContract(t *testing.T) {
	const all = "acks=all,idempotence=true,attempts=single,isolation=read_committed,min_isr=2,replication_factor=3," +
		"unclean_election=false,durability=replicated,retention=7d,cleanup=delete,timestamps=create,consumers=assign," +
		"transactions=false,reads=kafka,staleness_ms=500,progress_ms=5000"
	c, err := ParseContract(all)
	if err != nil || c.String() != all {
		t.Errorf("%s, %v", c, err)
	}
	if v := reflect.ValueOf(c); v.NumField() != len(clauses) {
		t.Errorf("the contract has %d fields and %d clauses", v.NumField(), len(clauses))
	} else {
		for i := range v.NumField() {
			if v.Field(i).IsZero() {
				t.Errorf("no clause states %s", v.Type().Field(i).Name)
			}
			if name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ","); name != clauses[i].name {
				t.Errorf("clause %s is %s in files", clauses[i].name, name)
			}
		}
	}
	if c, err := ParseContract(" "); err != nil || c != (Contract{}) {
		t.Errorf("nothing stated: %s, %v", c, err)
	}
	if c, err := ParseContract("min-isr=1, acks=1"); err != nil || c.MinISR != 1 || c.Acks != "1" {
		t.Errorf("with dashes and spaces: %s, %v", c, err)
	}
	for text, want := range map[string]string{
		"acks":                           "want name=value",
		"ack=all":                        `no clause "ack": want acks, idempotence`,
		"acks=some":                      "acks=some: want all or 1 or 0",
		"idempotence=maybe":              "want true or false",
		"min_isr=two":                    "want a number",
		"min_isr=-1":                     "want 0 (not stated) or more",
		"staleness_ms=-1":                "want 0 (not stated) or more",
		"progress_ms=-1":                 "want 0 (not stated) or more",
		"min_isr=3,replication-factor=2": "contradicts",
	} {
		if _, err := ParseContract(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
