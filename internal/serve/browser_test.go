package serve

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/ackproof/ackproof/checker"
	"github.com/ackproof/ackproof/internal/page/browsertest"
)

// The list, a run, two runs beside each other and a live run that ends, in a
// real browser, wide and narrow.
func TestBrowser(t *testing.T) {
	b := browsertest.Start(t)
	pictures := os.Getenv("ACKPROOF_PICTURES")
	for name, o := range map[string]browsertest.Options{"wide": {Width: 1280}, "narrow": {Width: 390, Dark: true}} {
		t.Run(name, func(t *testing.T) {
			store := aStore(t)
			soak := aSoak(t, store)
			ts := start(t, store)
			const live = "c/20260108T000000.000Z"
			for what, path := range map[string]string{
				"soak": "/soak/" + soak, "torn": "/soak/torn-20260110T000000Z",
				"list": "/", "run": "/run/a/20260104T000000.000Z", "broken": "/run/b/20260103T000000.000Z",
				"report": "/files/a/20260104T000000.000Z/report.html", "live": "/live/" + live,
				"compare": "/compare?a=a/20260101T000000.000Z&b=a/20260104T000000.000Z",
			} {
				tab := b.Visit(t, ts.URL+path, o)
				if what == "live" {
					underway(t, store, live, 5000)
					var found string
					tab.Eval(`document.getElementById("found").textContent`, &found)
					if found != "lost-write × 2" {
						t.Errorf("the live page has found %q", found)
					}
					tab.Until(`document.querySelector("[data-live=ok]").textContent.replace(/\D/g, "") === "5000"`)
				}
				if pictures != "" {
					tab.Screenshot(filepath.Join(pictures, "serve-"+what+"-"+name+".png"), 0)
				}
				if what == "live" {
					finished(t, store, live, 9, checker.Valid)
					tab.Until(`document.querySelector(".chip").textContent === "valid" && !document.getElementById("ended").hidden`)
				}
				if what == "soak" {
					var rounds []string
					tab.Eval(`[...document.querySelectorAll("#rounds tbody tr")].map((r) => r.children[0].textContent + " " + r.children[1].textContent.trim() + " " + r.children[5].textContent.replace(/\D/g, ""))`, &rounds)
					if want := []string{"1 valid 1234567", "2 invalid 0", "3 unknown 0"}; !slices.Equal(rounds, want) {
						t.Errorf("the soak's page shows %q", rounds)
					}
				}
				var pwned bool
				tab.Eval(`"pwned" in window || document.querySelector("img") !== null`, &pwned)
				if pwned {
					t.Errorf("%s: planted markup came alive", what)
				}
				var wide []string
				tab.Eval(`(() => {
					const room = document.documentElement.clientWidth;
					if (document.documentElement.scrollWidth <= room) return [];
					return [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > room + 1 && !e.closest(".scroll")).map((e) => e.tagName + "." + e.className).slice(0, 5);
				})()`, &wide)
				if len(wide) > 0 {
					t.Errorf("%s is wider than the window: %q", what, wide)
				}
				for _, p := range tab.Problems() {
					t.Errorf("%s: %s", what, p)
				}
			}
		})
	}
}
