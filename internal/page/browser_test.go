package page

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/ackproof/ackproof/internal/histtest"
	"github.com/ackproof/ackproof/internal/page/browsertest"
)

// pictures is where screenshots go that a person wants to look at; empty:
// nowhere.
var pictures = os.Getenv("ACKPROOF_PICTURES")

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return "file://" + path
}

// faultless fails where a page complained or does not fit its window.
func faultless(t *testing.T, tab *browsertest.Tab) {
	t.Helper()
	for _, p := range tab.Problems() {
		t.Error(p)
	}
	var over []string
	tab.Eval(`(() => {
		const wide = document.documentElement.clientWidth;
		if (document.documentElement.scrollWidth <= wide) return [];
		return [...document.querySelectorAll("main *")].filter((e) => e.getBoundingClientRect().right > wide + 1 && !e.closest(".scroll")).map((e) => e.tagName + "." + e.className).slice(0, 5);
	})()`, &over)
	if len(over) > 0 {
		t.Errorf("wider than the window: %q", over)
	}
}

// The pages of a valid, a convicted and an unknown run, wide and narrow, light
// and dark, in a real browser.
func TestBrowser(t *testing.T) {
	b := browsertest.Start(t)
	unknown := histtest.Valid(histtest.Options{Seed: 4, Ops: 60})
	for _, c := range []struct {
		name, verdict string
		h             histtest.History
	}{
		{"valid", "valid", histtest.Valid(histtest.Options{Seed: 1, Ops: 20_000})},
		{"convicted", "invalid", mutated(t, "two-values")},
		{"lost", "invalid", mutated(t, "lose")},
		{"unknown", "unknown", unknown},
	} {
		text, v := written(t, c.h, Run{Repeat: "ackproof run --seed 1", Files: []string{"history.jsonl", "verdict.json"}})
		url := file(t, text)
		for _, o := range []browsertest.Options{{Width: 1280}, {Width: 390, Dark: true}} {
			t.Run(fmt.Sprintf("%s-%d", c.name, o.Width), func(t *testing.T) {
				tab := b.Visit(t, url, o)
				var said string
				tab.Eval(`document.querySelector("#verdict").textContent`, &said)
				if said != c.verdict || v.Valid.String() != c.verdict {
					t.Errorf("the page says %q, the verdict %v", said, v.Valid)
				}
				var charts, timelines int
				tab.Eval(`document.querySelectorAll(".chart .u-wrap canvas").length`, &charts)
				if charts < 4 {
					t.Errorf("%d charts are drawn", charts)
				}
				tab.Eval(`document.querySelectorAll(".timeline svg .op.evidence").length`, &timelines)
				if (timelines > 0) != (c.verdict == "invalid") {
					t.Errorf("%d pieces of evidence are drawn", timelines)
				}
				faultless(t, tab)
				if pictures != "" {
					tab.Screenshot(filepath.Join(pictures, fmt.Sprintf("%s-%d.png", c.name, o.Width)), 0)
				}
			})
		}
	}
}

// What a page draws is what it was given: the curves as the browser has them.
func TestBrowserDrawsTheData(t *testing.T) {
	b := browsertest.Start(t)
	h := histtest.Valid(histtest.Options{Seed: 1, Ops: 5000})
	text, v := written(t, h, Run{})
	tab := b.Visit(t, file(t, text), browsertest.Options{})
	var have, acked float64
	tab.Eval(`(() => { const d = JSON.parse(document.getElementById("data").textContent);
		const total = (a) => a.reduce((x, y) => x + y, 0);
		const r = rateData(d); return total(r.slice(1).flat().map((x, i) => x * (i % d.ok.length === d.ok.length - 1 ? Math.max(d.seconds - (d.ok.length - 1) * d.width, d.width / 4) : d.width))); })()`, &have)
	if int64(have+0.5) != v.Judged.Ops {
		t.Errorf("the rates drawn add up to %g operations, %d are judged", have, v.Judged.Ops)
	}
	tab.Eval(`(() => { const d = JSON.parse(document.getElementById("data").textContent);
		return d.logs.reduce((n, l) => n + logData(d, l)[1].at(-1), 0); })()`, &acked)
	if int64(acked) != v.Judged.Acked {
		t.Errorf("the logs' curves end at %g acknowledged records, %d are judged", acked, v.Judged.Acked)
	}
}

// Markup in names, errors and values stays text in the browser, too.
func TestBrowserRunsNothingPlanted(t *testing.T) {
	b := browsertest.Start(t)
	text, _ := written(t, plant(), Run{Title: planted, Repeat: planted, Files: []string{planted}})
	tab := b.Visit(t, file(t, text), browsertest.Options{})
	tab.Eval(`document.querySelectorAll("details").forEach((d) => { d.open = true; })`, nil)
	var pwned, images bool
	tab.Eval(`"pwned" in window`, &pwned)
	tab.Eval(`document.querySelector("img") !== null`, &images)
	if pwned || images {
		t.Errorf("planted markup came alive: script %t, image %t", pwned, images)
	}
	faultless(t, tab)
}

// A page that somebody put a script into does not run it: the policy knows only
// the page's own.
func TestBrowserRefusesForeignScript(t *testing.T) {
	b := browsertest.Start(t)
	text, _ := written(t, histtest.Valid(histtest.Options{Seed: 1}), Run{})
	text = strings.Replace(text, "</main>", "</main><script>window.pwned = 1</script>", 1)
	tab := b.Visit(t, file(t, text), browsertest.Options{})
	var pwned bool
	tab.Eval(`"pwned" in window`, &pwned)
	if pwned {
		t.Error("the foreign script ran")
	}
	if len(tab.Problems()) == 0 {
		t.Error("the browser did not complain: is the policy in force?")
	}
}

// Everything can be done with the keyboard.
func TestBrowserKeyboard(t *testing.T) {
	b := browsertest.Start(t)
	text, _ := written(t, mutated(t, "two-values"), Run{})
	tab := b.Visit(t, file(t, text), browsertest.Options{})
	span := func() (w float64) {
		tab.Eval(`(() => { const s = uPlot.sync("run").plots[0].scales.x; return s.max - s.min; })()`, &w)
		return w
	}
	tab.Eval(`document.querySelector(".chart .plot").focus()`, nil)
	all := span()
	tab.Press("+")
	if near := span(); near >= all {
		t.Errorf("+ shows %g s of %g", near, all)
	}
	tab.Press("0")
	if again := span(); again != all {
		t.Errorf("0 shows %g s of %g", again, all)
	}
	tab.Eval(`document.querySelector(".timeline svg").focus()`, nil)
	tab.Press(kb.ArrowRight)
	var told string
	tab.Eval(`document.querySelector(".timeline .told").textContent`, &told)
	if !strings.HasPrefix(told, "entry ") {
		t.Errorf("the timeline tells %q", told)
	}
	var unreachable []string
	tab.Eval(`[...document.querySelectorAll("[onclick], .scroll, button, select, summary, a[href], .plot, .timeline svg")].filter((e) => e.tabIndex < 0).map((e) => e.outerHTML.slice(0, 80))`, &unreachable)
	if len(unreachable) > 0 {
		t.Errorf("not reachable with Tab: %q", unreachable)
	}
	faultless(t, tab)
}

// The page prints.
func TestBrowserPrints(t *testing.T) {
	b := browsertest.Start(t)
	text, _ := written(t, mutated(t, "lose"), Run{})
	tab := b.Visit(t, file(t, text), browsertest.Options{Dark: true})
	if pdf := tab.Print(); len(pdf) < 20_000 || string(pdf[:4]) != "%PDF" {
		t.Errorf("the print has %d bytes", len(pdf))
	} else if pictures != "" {
		if err := os.WriteFile(filepath.Join(pictures, "print.pdf"), pdf, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	faultless(t, tab)
}

// TestScreenshot takes the picture of the README: make screenshot names the
// page and the picture.
func TestScreenshot(t *testing.T) {
	from, to := os.Getenv("ACKPROOF_PAGE"), os.Getenv("ACKPROOF_SCREENSHOT")
	if from == "" || to == "" {
		t.Skip("make screenshot runs it")
	}
	const height = 1700
	tab := browsertest.Start(t).Visit(t, "file://"+from, browsertest.Options{Height: height})
	faultless(t, tab)
	tab.Screenshot(to, height)
}
