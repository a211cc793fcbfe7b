//go:build e2e

package e2e

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
)

// tab is a real browser on the console. Whatever the browser complains about fails the test: an error of a script, a file
// that is missing, a breach of the content security policy.
type tab struct {
	t         *testing.T
	ctx       context.Context
	site      string
	downloads string

	mu         sync.Mutex
	complaints []string
}

func newTab(t *testing.T, site string) *tab {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.WindowSize(1280, 900))
	allocator, end := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(end)
	ctx, closeTab := chromedp.NewContext(allocator)
	t.Cleanup(closeTab)
	b := &tab{t: t, ctx: ctx, site: site, downloads: t.TempDir()}
	// The first call starts the browser, whose life is that of this context: so it has no time limit.
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	messages := chromedp.Console(ctx)
	go b.listen(messages)
	t.Cleanup(b.wasQuiet)
	return b
}

func (b *tab) listen(messages func(func(chromedp.ConsoleMessage, error) bool)) {
	for m, err := range messages {
		if err != nil {
			return // the tab was closed
		}
		if m.Type == chromedp.ConsoleError || m.IsException() || m.Source == "security" {
			b.mu.Lock()
			b.complaints = append(b.complaints, m.String()+" "+m.URL)
			b.mu.Unlock()
		}
	}
}

func (b *tab) wasQuiet() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.complaints {
		b.t.Errorf("the browser says %s", c)
	}
}

// within is the time that one step on a page may take.
func (b *tab) within() (context.Context, context.CancelFunc) {
	return context.WithTimeout(b.ctx, patience)
}

func (b *tab) does(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := b.within()
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("%v on the page\n%s", err, b.text())
	}
}

func (b *tab) text() string {
	ctx, cancel := context.WithTimeout(b.ctx, time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS("body")))
	if err != nil {
		return err.Error()
	}
	return text
}

// visits opens a page of the console, or a whole address.
func (b *tab) visits(path string) {
	b.t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = b.site + path
	}
	b.does(chromedp.Navigate(path))
}

// types fills in a field by its name.
func (b *tab) types(field, value string) {
	b.t.Helper()
	b.does(chromedp.SendKeys(chromedp.CSS(`input[name="`+field+`"]`), value, chromedp.NodeVisible))
}

// chooses clicks one radio button or check box.
func (b *tab) chooses(field, value string) {
	b.t.Helper()
	b.does(chromedp.Click(chromedp.CSS(`input[name="` + field + `"][value="` + value + `"]`)))
}

// presses clicks the visible button with these words, and waits for the page that it leads to, which must say heading.
func (b *tab) presses(words, heading string) {
	b.t.Helper()
	ctx, cancel := b.within()
	defer cancel()
	button := `//button[normalize-space(.)="` + words + `" and not(@aria-hidden)]`
	response, err := chromedp.RunResponse(ctx, chromedp.Click(button, chromedp.NodeVisible))
	if err != nil {
		b.t.Fatalf("pressing %s: %v on the page\n%s", words, err, b.text())
	}
	if text := b.text(); response.Status >= 400 || !strings.Contains(text, heading) {
		b.t.Fatalf("%s leads to %d %s, which does not say %q:\n%s", words, response.Status, response.URL, heading, text)
	}
}

// downloads the file behind a link, and returns its name as the browser would save it.
func (b *tab) saves(link string) (path, name string) {
	b.t.Helper()
	events := true
	ctx, cancel := b.within()
	defer cancel()
	_, err := chromedp.Call(ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
		Behavior: browser.SetDownloadBehaviorBehaviorAllowAndName, DownloadPath: b.downloads, EventsEnabled: &events})
	if err != nil {
		b.t.Fatal(err)
	}
	begins, progress := chromedp.Events(ctx, browser.DownloadWillBegin), chromedp.Events(ctx, browser.DownloadProgress)
	b.does(chromedp.Click(`//a[normalize-space(.)="`+link+`"]`, chromedp.NodeVisible))
	for e, err := range begins {
		if err != nil {
			b.t.Fatal(err)
		}
		name = e.SuggestedFilename
		break
	}
	for e, err := range progress {
		if err != nil {
			b.t.Fatal(err)
		}
		if e.State == browser.DownloadProgressStateCompleted {
			return b.downloads + "/" + e.GUID, name
		}
	}
	return "", name
}
