package run

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/histories"
	"github.com/ackproof/ackproof/internal/page"
)

func (r *runner) checkOptions() checker.Options {
	return checker.Options{Model: r.spec.Model, MinAcked: r.spec.MinAcked}
}

// judge reads the saved history back, judges it and writes what people and
// programs read: verdict.json, summary.txt, history.edn, report.html. Where one of them
// cannot be written, as on a full disk, the others are.
func (r *runner) judge() error {
	r.logf("judging %s", r.rec.Path())
	if r.liveFile != nil {
		r.liveFile.judging.Store(true)
	}
	gather := page.NewGather(r.header)
	o := withWindows(r.checkOptions(), r.dir)
	o.Also = append(o.Also, gather)
	v, err := CheckFile(r.rec.Path(), o)
	if err != nil {
		return fmt.Errorf("judge the history: %w", err)
	}
	r.verdict = v
	errs := []error{r.save(histories.VerdictFile, EncodeVerdict(v))}
	if r.opts.Summary != nil {
		var b bytes.Buffer
		r.opts.Summary(&b, r.result())
		errs = append(errs, r.save(histories.SummaryFile, b.Bytes()))
	}
	errs = append(errs, convertFile(r.rec.Path(), filepath.Join(r.dir, histories.EDNFile)), r.saveLedger(), r.savePage(v, gather))
	return errors.Join(errs...)
}

// salvage judges what a failed run had recorded. The harness error stands.
func (r *runner) salvage(err error) error {
	r.logf("harness error: %v", err)
	if r.rec == nil {
		return err
	}
	return errors.Join(err, r.judge())
}

// saveLedger writes what a broken broker says of itself. No checker reads it.
func (r *runner) saveLedger() error {
	if r.spec.Mutant == "" {
		return nil
	}
	var b bytes.Buffer
	if err := r.bed.cluster.Ledger(&b); err != nil {
		return fmt.Errorf("read the broken broker's ledger: %w", err)
	}
	return r.save(LedgerFile, b.Bytes())
}

// LedgerFile is where a broken broker's sins are written, beside the history.
const LedgerFile = "ledger.jsonl"

func withWindows(o checker.Options, dir string) checker.Options {
	o.WindowDir = filepath.Join(dir, histories.WindowsDir)
	return o
}

// CheckFile judges a history file, a run directory, or standard input ("-").
func CheckFile(path string, o checker.Options) (checker.Verdict, error) {
	in, err := histories.Open(path)
	if err != nil {
		return checker.Verdict{}, err
	}
	defer in.Close()
	return checker.Check(in, o)
}

// EncodeVerdict returns verdict.json.
func EncodeVerdict(v checker.Verdict) []byte {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		panic(err) // a Verdict holds nothing that JSON cannot say
	}
	return append(b, '\n')
}

// convertFile writes the history in into out, in the format of out's name. Of a
// torn history the sound part is converted; its verdict tells where it breaks
// off. What could not be written whole is removed again.
func convertFile(in, out string) (err error) {
	format, err := histories.FormatOf(out)
	if err != nil {
		return err
	}
	r, err := histories.Open(in)
	if err != nil {
		return err
	}
	defer r.Close()
	f, err := os.Create(out)
	if err != nil {
		return fmt.Errorf("convert %s: %w", in, err)
	}
	err = histories.Convert(r, f, format)
	var torn *histories.SyntaxError
	if errors.As(err, &torn) {
		err = nil
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(fmt.Errorf("convert %s: %w", in, err), os.Remove(out))
	}
	return nil
}
