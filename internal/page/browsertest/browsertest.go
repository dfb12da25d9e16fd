// Package browsertest looks at pages with Debian's chromium, without a screen.
// Where there is none, tests are skipped; with ACKPROOF_REQUIRE_CHROMIUM=1 they
// fail instead.
package browsertest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// limit is how long one look at a page may take.
const limit = 60 * time.Second

// Browser is a chromium of the test's own.
type Browser struct{ ctx context.Context }

// Start starts a browser that ends with the test.
func Start(t testing.TB) *Browser {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		const why = "no chromium here: the pages were not looked at (apt-get install chromium)"
		if os.Getenv("ACKPROOF_REQUIRE_CHROMIUM") == "1" {
			t.Fatal(why)
		}
		t.Skip("SKIPPED: " + why)
	}
	flags := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path))
	// The browser's data are chromedp's to remove: its processes write to them
	// for a moment after it has ended.
	for _, f := range []string{"headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
		"disable-component-update", "disable-sync", "hide-scrollbars"} {
		flags = append(flags, chromedp.Flag(f, true))
	}
	actx, endAllocator := chromedp.NewExecAllocator(context.Background(), flags...)
	ctx, end := chromedp.NewContext(actx)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // waits for the browser's end
		end()
		endAllocator()
	})
	if err := chromedp.Run(ctx); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return &Browser{ctx}
}

// Tab is a page that is being looked at.
type Tab struct {
	ctx context.Context
	t   testing.TB

	mu       sync.Mutex
	problems []string
}

// Options say how to look at a page.
type Options struct {
	Width, Height int64 // of the window in pixels; 0: 1280 by 800
	Dark          bool
}

// Visit opens a page and waits until its script is done.
func (b *Browser) Visit(t testing.TB, url string, o Options) *Tab {
	t.Helper()
	if o.Width == 0 {
		o.Width = 1280
	}
	if o.Height == 0 {
		o.Height = 800
	}
	ctx, end := chromedp.NewContext(b.ctx)
	tctx, cancel := context.WithTimeout(ctx, limit)
	t.Cleanup(func() {
		cancel()
		end()
	})
	tab := &Tab{ctx: tctx, t: t}
	chromedp.ListenTarget(ctx, tab.listen)
	scheme := "light"
	if o.Dark {
		scheme = "dark"
	}
	tab.do(log.Enable(), network.Enable(), runtime.Enable(),
		emulation.SetDeviceMetricsOverride(o.Width, o.Height, 1, o.Width < 600),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
		chromedp.Navigate(url), chromedp.WaitReady(`html[data-ready="yes"]`))
	return tab
}

// listen keeps what a page must not do: complain, fail, or load from elsewhere.
func (tab *Tab) listen(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		tab.note("exception: %s", e.ExceptionDetails.Error())
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.APITypeError || e.Type == runtime.APITypeWarning || e.Type == runtime.APITypeAssert {
			var said []string
			for _, a := range e.Args {
				said = append(said, string(a.Value)+a.Description)
			}
			tab.note("console: %s", strings.Join(said, " "))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.LevelError || e.Entry.Level == log.LevelWarning {
			tab.note("log: %s", e.Entry.Text)
		}
	case *network.EventRequestWillBeSent:
		u := e.Request.URL
		if !strings.HasPrefix(u, "file://") && !strings.HasPrefix(u, "http://127.0.0.1:") && !strings.HasPrefix(u, "data:") {
			tab.note("request: %s", u)
		}
	}
}

func (tab *Tab) note(format string, args ...any) {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	tab.problems = append(tab.problems, fmt.Sprintf(format, args...))
}

func (tab *Tab) do(actions ...chromedp.Action) {
	tab.t.Helper()
	if err := chromedp.Run(tab.ctx, actions...); err != nil {
		tab.t.Fatalf("look at the page: %v; it said %q", err, tab.Problems())
	}
}

// Problems are the errors and warnings of the page so far, and what it loaded
// from elsewhere.
func (tab *Tab) Problems() []string {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	return append([]string(nil), tab.problems...)
}

// Eval evaluates an expression in the page and decodes its value into out.
func (tab *Tab) Eval(expression string, out any) {
	tab.t.Helper()
	tab.do(chromedp.Evaluate(expression, out, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
}

// Until waits until an expression is true.
func (tab *Tab) Until(expression string) {
	tab.t.Helper()
	var yes bool
	tab.do(chromedp.Poll(expression, &yes, chromedp.WithPollingInterval(50*time.Millisecond)))
}

// Press presses keys.
func (tab *Tab) Press(keys string) {
	tab.t.Helper()
	tab.do(chromedp.KeyEvent(keys))
}

// Click clicks on the element.
func (tab *Tab) Click(selector string) {
	tab.t.Helper()
	tab.do(chromedp.Click(selector, chromedp.ByQuery))
}

// Screenshot writes a picture of the page's first height pixels, of all of it
// where height is 0.
func (tab *Tab) Screenshot(path string, height int64) {
	tab.t.Helper()
	var png []byte
	if height == 0 {
		tab.do(chromedp.FullScreenshot(&png, 100))
	} else {
		tab.do(chromedp.CaptureScreenshot(&png))
	}
	if err := os.WriteFile(path, png, 0o644); err != nil {
		tab.t.Fatal(err)
	}
}

// Print returns the page as it would be printed, as PDF.
func (tab *Tab) Print() []byte {
	tab.t.Helper()
	var pdf []byte
	tab.do(chromedp.ActionFunc(func(ctx context.Context) (err error) {
		pdf, _, err = page.PrintToPDF().Do(ctx)
		return err
	}))
	return pdf
}
