package clusterfile

import (
	"embed"
	"io/fs"
	"strings"
)

//go:embed shipped/*.yaml
var shipped embed.FS

// Shipped lists the cluster files that come with ackproof.
func Shipped() []string {
	var out []string
	entries, _ := fs.ReadDir(shipped, "shipped")
	for _, e := range entries {
		if name := strings.TrimSuffix(e.Name(), ".yaml"); name != kafka {
			out = append(out, name)
		}
	}
	return out
}

// kafka is shipped, but needs jars: it is a target of its own.
const kafka = "kafka"

// Kafka is the cluster file of the target kafka.
func Kafka() (*File, error) { return Load(kafka) }
