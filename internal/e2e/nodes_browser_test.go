//go:build e2e

package e2e

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// reads evaluates an expression in the page.
func reads[T any](b *tab, expression string) T {
	b.t.Helper()
	ctx, cancel := b.within()
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatalf("%s: %v on the page\n%s", expression, err, b.text())
	}
	return v
}

// TestARowOfAnotherNodeChangesUnderTheReadersHands: the page Nodes of one node tells of a port that is taken at another one,
// and of its being free again, without being loaded anew: a tick, the focus and what was typed stay.
func TestARowOfAnotherNodeChangesUnderTheReadersHands(t *testing.T) {
	m, b, _ := signedIn(t)
	host := strings.TrimSuffix(m.console, ":8080")
	host = strings.TrimSuffix(host, nodeHost) + imp2Host
	second := newMachine(t, "imp2.synergy.com", host, m.database())
	second.env = append(second.env, "ISTHMUS_KEY_FILE="+m.dir+"/data/key")
	second.serve()

	row := `document.querySelector("main table.nodes tbody tr:nth-child(2)").innerText`
	says := func(word string) {
		t.Helper()
		eventually(t, patience, "the row says "+word, func() bool { return strings.Contains(reads[string](b, row), word) })
	}
	b.visits("/nodes")
	says("Ready")
	eventually(t, patience, "the page follows", func() bool {
		return strings.HasPrefix(reads[string](b, `document.querySelector(".live").innerText`), "Live")
	})
	reads[bool](b, `window.unbroken = true`)
	b.does(chromedp.Click(`main table.nodes tbody tr:nth-child(2) input[type=checkbox]`))
	b.types("q", "imp")
	reads[bool](b, `document.querySelector("main table.nodes tbody tr:nth-child(2) a").focus(), true`)

	taken, err := net.Listen("tcp", host+":5070")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	m.apply(`listeners:
  - {name: Lab, transport: tcp, port: 5070}
`)
	says("Listener not open")
	says("5070")
	if err := taken.Close(); err != nil {
		t.Fatal(err)
	}
	says("Ready")

	state := reads[string](b, `[window.unbroken, document.querySelector("tr:nth-child(2) input[type=checkbox]").checked,
		document.querySelector("tr:nth-child(1) input[type=checkbox]").checked, document.querySelector("[name=q]").value, document.activeElement.innerText].join()`)
	if want := "true,true,false,imp,imp2.synergy.com"; state != want {
		t.Errorf("under the reader's hands it became %q, want %q", state, want)
	}
}

// database is the URL that the machine was given.
func (m *machine) database() string {
	m.t.Helper()
	for _, v := range m.env {
		if url, ok := strings.CutPrefix(v, "ISTHMUS_DATABASE_URL="); ok {
			return url
		}
	}
	m.t.Fatal(fmt.Errorf("%s has no database", m.console))
	return ""
}
