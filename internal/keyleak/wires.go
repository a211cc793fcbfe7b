package keyleak

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
)

// overlap is what is looked at again with the next octets: a key may come in two pieces.
const overlap = 256

// Writer passes on what is written, and looks at it. where names what is written, such as the log of a node.
func (g *Guard) Writer(t Reporter, where string, to io.Writer) io.Writer {
	return &writer{guard: g, t: t, where: where, to: to}
}

type writer struct {
	guard *Guard
	t     Reporter
	where string
	to    io.Writer

	mu   sync.Mutex
	tail []byte
}

func (w *writer) Write(b []byte) (int, error) {
	w.mu.Lock()
	text := append(bytes.Clone(w.tail), b...)
	w.tail = text[max(0, len(text)-overlap):]
	if w.guard.Find(w.tail) != nil { // told once
		w.tail = nil
	}
	w.mu.Unlock()
	w.guard.Look(w.t, w.where, text)
	return w.to.Write(b)
}

// Transport fails every exchange whose answer holds a private key, in its headers or in its body. What the requests hold
// in PEM is learnt.
func (g *Guard) Transport(base http.RoundTripper) http.RoundTripper { return transport{g, base} }

type transport struct {
	guard *Guard
	base  http.RoundTripper
}

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.GetBody != nil {
		if body, err := r.GetBody(); err == nil {
			text, _ := io.ReadAll(body) // a body that cannot be read fails below
			t.guard.Learn(text)
		}
	}
	answer, err := t.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(answer.Body)
	if err = errors.Join(err, answer.Body.Close()); err != nil {
		return nil, err
	}
	if found := t.guard.notice("the answer to "+r.Method+" "+r.URL.String(), append(Headers(answer.Header), body...)); found != "" {
		return nil, errors.New(found)
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return answer, nil
}

// Headers are the lines of an answer before its body.
func Headers(h http.Header) []byte {
	var text bytes.Buffer
	for name, values := range h {
		for _, value := range values {
			fmt.Fprintf(&text, "%s: %s\n", name, value)
		}
	}
	text.WriteByte('\n')
	return text.Bytes()
}
