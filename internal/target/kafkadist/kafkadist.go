// Package kafkadist finds or fetches what an Apache Kafka broker needs: Java,
// the jars, and a class-data archive that halves its start.
package kafkadist

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ackproof/ackproof/internal/target/procs"
)

const (
	// DefaultVersion is the Kafka that is used where nobody names one.
	DefaultVersion = "4.4.0"
	// minJava is the oldest Java that Kafka 4 runs on; 3.9 runs on it as well.
	minJava = 17
)

// ErrMissing says that the machine lacks what is needed to run Kafka at all.
var ErrMissing = errors.New("no Kafka can be run on this machine")

// Dist is what a broker of one version is started with.
type Dist struct {
	Version string
	Java    string   // the program
	Jars    []string // sorted: the class-data archive holds for one order only
	// Archive is the class-data archive of these jars and this Java. It need not
	// be there yet.
	Archive string
}

// ClassPath is the jars as java -cp wants them.
func (d Dist) ClassPath() string { return strings.Join(d.Jars, string(os.PathListSeparator)) }

// HasArchive tells whether the class-data archive is there.
func (d Dist) HasArchive() bool {
	_, err := os.Stat(d.Archive)
	return err == nil
}

var versionForm = regexp.MustCompile(`^\d+\.\d+\.\d+(-rc\d+)?$`)

// CheckVersion tells whether v can be a version of Kafka that knows KRaft; empty
// is the default.
func CheckVersion(v string) error {
	if v == "" {
		return nil
	}
	if !versionForm.MatchString(v) {
		return fmt.Errorf("version of Kafka %q: want three numbers, such as %s", v, DefaultVersion)
	}
	major, rest, _ := strings.Cut(v, ".")
	minor, _, _ := strings.Cut(rest, ".")
	a, _ := strconv.Atoi(major)
	b, _ := strconv.Atoi(minor)
	if a < 3 || a == 3 && b < 3 {
		return fmt.Errorf("version of Kafka %s: clusters without ZooKeeper (KRaft) work from 3.3 on", v)
	}
	return nil
}

// Find returns the distribution of this version (empty: the default, or what
// KAFKA_HOME holds). It fetches the jars by Maven where they are not there yet;
// progress says so, and may be nil.
func Find(ctx context.Context, version string, progress func(string)) (Dist, error) {
	if err := CheckVersion(version); err != nil {
		return Dist{}, err
	}
	java, err := findJava()
	if err != nil {
		return Dist{}, err
	}
	cache, err := cacheDir()
	if err != nil {
		return Dist{}, err
	}
	home := os.Getenv("KAFKA_HOME")
	if home != "" {
		d, err := unpacked(home, version)
		if err != nil {
			return d, err
		}
		d.Java, d.Archive = java, archiveName(cache, d, java)
		return d, nil
	}
	if version == "" {
		version = DefaultVersion
	}
	d := Dist{Version: version, Java: java}
	dir := jarsDir(cache, version)
	if d.Jars = jars(dir); len(d.Jars) == 0 {
		if err := fetch(ctx, cache, version, progress); err != nil {
			return d, err
		}
		d.Jars = jars(dir)
	}
	d.Archive = archiveName(cache, d, java)
	return d, nil
}

// Available says what is missing on this machine to run Kafka of this version
// (empty: the default), as an ErrMissing; nil: nothing.
func Available(version string) error {
	if err := procs.CheckPlatform(); err != nil {
		return fmt.Errorf("%w: %w", ErrMissing, err)
	}
	if _, err := findJava(); err != nil {
		return err
	}
	if os.Getenv("KAFKA_HOME") != "" {
		return nil
	}
	if version == "" {
		version = DefaultVersion
	}
	if cache, err := cacheDir(); err == nil && len(jars(jarsDir(cache, version))) > 0 {
		return nil
	}
	_, err := findMaven(version)
	return err
}

func cacheDir() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache directory: %w; set XDG_CACHE_HOME", err)
	}
	return filepath.Join(base, "ackproof"), nil
}

func jarsDir(cache, version string) string { return filepath.Join(cache, "kafka-"+version) }

// jars lists the jars of a directory in their order.
func jars(dir string) []string {
	found, _ := filepath.Glob(filepath.Join(dir, "*.jar")) // the pattern is good
	slices.Sort(found)
	return found
}

// findJava returns the program.
func findJava() (string, error) {
	if home := os.Getenv("JAVA_HOME"); home != "" {
		if java, err := exec.LookPath(filepath.Join(home, "bin", "java")); err == nil {
			return java, nil
		}
	}
	java, err := exec.LookPath("java")
	if err != nil {
		return "", fmt.Errorf("%w: there is no java; install a Java runtime of version %d or newer, or set JAVA_HOME", ErrMissing, minJava)
	}
	return java, nil
}

var javaVersion = regexp.MustCompile(`version "(\d+)`)

// CheckJava refuses a Java that is too old. It runs the program.
func CheckJava(ctx context.Context, java string) error {
	out, err := procs.Run(ctx, procs.Command{Argv: []string{java, "-version"}})
	if err != nil {
		return fmt.Errorf("ask java for its version: %w", err)
	}
	m := javaVersion.FindStringSubmatch(out)
	if m == nil {
		return nil // not the words of any Java that is known; the broker will tell
	}
	if n, _ := strconv.Atoi(m[1]); n < minJava {
		return fmt.Errorf("%w: %s is Java %d; install %d or newer, or set JAVA_HOME to it", ErrMissing, java, n, minJava)
	}
	return nil
}

var brokerJar = regexp.MustCompile(`^kafka_2\.1\d-(\d.*)\.jar$`)

// unpacked is a distribution that somebody unpacked.
func unpacked(home, want string) (Dist, error) {
	d := Dist{Jars: jars(filepath.Join(home, "libs"))}
	for _, j := range d.Jars {
		if m := brokerJar.FindStringSubmatch(filepath.Base(j)); m != nil {
			d.Version = m[1]
		}
	}
	if d.Version == "" {
		return d, fmt.Errorf("KAFKA_HOME=%s: there is no Kafka below its libs; unset it, or name an unpacked distribution", home)
	}
	if want != "" && want != d.Version {
		return d, fmt.Errorf("KAFKA_HOME=%s holds Kafka %s, and %s was asked for; unset KAFKA_HOME to fetch that one", home, d.Version, want)
	}
	return d, nil
}

// archiveName is the archive's file. An archive holds for these jars and this
// Java alone.
func archiveName(cache string, d Dist, java string) string {
	h := sha256.New()
	if real, err := filepath.EvalSymlinks(java); err == nil {
		java = real
	}
	for _, f := range append([]string{java}, d.Jars...) {
		if info, err := os.Stat(f); err == nil {
			fmt.Fprintln(h, f, info.Size(), info.ModTime().UnixNano())
		}
	}
	return filepath.Join(cache, fmt.Sprintf("kafka-%s.%x.jsa", d.Version, h.Sum(nil)[:6]))
}
