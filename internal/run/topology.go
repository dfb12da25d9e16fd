package run

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/ackproof/ackproof/internal/names"
	"github.com/ackproof/ackproof/internal/strictyaml"
	"github.com/ackproof/ackproof/nemesis"
)

// Topology finds a topology of the catalogue by its name, or reads one from a
// YAML file: proxies, each with name, listen, upstream and what it carries.
func Topology(name string) (nemesis.Topology, error) {
	var known []string
	for _, t := range nemesis.Topologies {
		if t.Name == name {
			return t, nil
		}
		known = append(known, t.Name)
	}
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nemesis.Topology{}, fmt.Errorf("proxies %q%s: neither a file nor a topology that is known (%v)", name, names.Hint(name, known), known)
	}
	if err != nil {
		return nemesis.Topology{}, fmt.Errorf("read the topology: %w", err)
	}
	var file struct {
		Proxies []nemesis.Proxy `yaml:"proxies"`
	}
	if err := strictyaml.Decode(name, b, &file); err != nil {
		return nemesis.Topology{}, err
	}
	t := nemesis.Topology{Name: name, Proxies: file.Proxies}
	for i := range t.Proxies {
		if t.Proxies[i].Carries == "" {
			t.Proxies[i].Carries = nemesis.CarriesKafka
		}
	}
	if err := t.Validate(); err != nil {
		return nemesis.Topology{}, fmt.Errorf("%s: %w", name, err)
	}
	return t, nil
}
