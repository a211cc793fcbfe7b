// Package keyleak finds private keys in what a program gives out: pages, headers, log lines, exports. It owns the forms
// that a key can have there, the numbers of the keys that a test knows, and where a command reads and writes files; it
// refuses to know what else the program does. For tests only.
package keyleak

import (
	"fmt"
	"strings"
	"sync"
)

// depth is how many encodings deep a key is looked for: base64 in JSON in the hexadecimal form of a bytea column is three.
const depth = 3

// A Reporter is a test, or what stands for one.
type Reporter interface {
	Helper()
	Errorf(format string, args ...any)
}

// A Guard looks at what a package's tests are given, and fails the test that was given a private key. The zero value
// knows the forms of all keys. Its methods may be called at once from several goroutines.
type Guard struct {
	mu     sync.RWMutex
	known  known
	awaits string // of Planted: a part of the place
	caught []string
}

// Find names every form in which text holds a private key, each once: nil when it holds none.
func (g *Guard) Find(text []byte) []string { return g.find(text, depth) }

// FindBare looks at the octets as they are and decodes nothing: for files that are too large for Find.
func (g *Guard) FindBare(text []byte) []string { return g.find(text, 0) }

func (g *Guard) find(text []byte, depth int) []string {
	g.mu.RLock()
	defer g.mu.RUnlock()
	var list []string
	named := map[string]bool{}
	add := func(what string) {
		if !named[what] {
			named[what] = true
			list = append(list, what)
		}
	}
	readings(text, depth, func(reading []byte) {
		eachForm(reading, add)
		g.known.each(reading, add)
	})
	return list
}

// Look fails the test when text, which was found at that place, holds a private key.
func (g *Guard) Look(t Reporter, where string, text []byte) {
	t.Helper()
	if found := g.notice(where, text); found != "" {
		t.Errorf("%s", found)
	}
}

// notice says what is wrong with text, "" for nothing and for what Planted awaits.
func (g *Guard) notice(where string, text []byte) string {
	found := g.Find(text)
	if found == nil {
		return ""
	}
	sentence := fmt.Sprintf("A private key leaks in %s: %s.", where, strings.Join(found, "; "))
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.awaits != "" && strings.Contains(where, g.awaits) {
		g.caught = append(g.caught, sentence)
		return ""
	}
	return sentence
}

// Planted proves that a place is looked at: plant lets a key leak there, and the sentences that it would have failed with
// are returned. where is a part of the place's name that no other test has.
func (g *Guard) Planted(where string, plant func()) []string {
	g.mu.Lock()
	g.awaits, g.caught = where, nil
	g.mu.Unlock()
	plant()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.awaits = ""
	return g.caught
}
