package sip_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"isthmus/internal/sip"
)

// request is a small valid MESSAGE with edits: "Name: value" replaces that header's line, "+Name: value" adds one at the
// end, "-Name" removes it, and "=text" replaces the first line.
func request(edits ...string) string {
	return edited(`MESSAGE sip:bob@synergy.com SIP/2.0
Via: SIP/2.0/TCP 192.0.2.21:5060;branch=z9hG4bKabc
Max-Forwards: 70
From: "Anna" <sip:anna@synergy.com>;tag=a1
To: <sip:bob@synergy.com>
Call-ID: c1@192.0.2.21
CSeq: 1 MESSAGE
Content-Length: 0`, edits)
}

// response is a small valid 200 with edits as in request.
func response(edits ...string) string {
	return edited(`SIP/2.0 200 OK
Via: SIP/2.0/TLS imp1.synergy.com:5061;branch=z9hG4bKown
Via: SIP/2.0/TCP 192.0.2.21:5060;branch=z9hG4bKabc
From: "Anna" <sip:anna@synergy.com>;tag=a1
To: <sip:bob@synergy.com>;tag=b1
Call-ID: c1@192.0.2.21
CSeq: 1 MESSAGE
Content-Length: 0`, edits)
}

func edited(base string, edits []string) string {
	lines := strings.Split(base, "\n")
	for _, e := range edits {
		name, _, _ := strings.Cut(strings.TrimLeft(e, "-+="), ":")
		at := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, name+":") })
		switch e[0] {
		case '=':
			lines[0] = e[1:]
		case '+':
			lines = append(lines, e[1:])
		case '-':
			lines = slices.Delete(lines, at, at+1)
		default:
			lines[at] = e
		}
	}
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}

// crlf turns a text block of a test into a message.
func crlf(text string) string {
	return strings.ReplaceAll(text, "\n", "\r\n")
}

func parsed(t testing.TB, raw string) *sip.Message {
	t.Helper()
	m := new(sip.Message)
	if err := m.Parse([]byte(raw)); err != nil {
		t.Fatalf("Parse: %v\n%s", err, raw)
	}
	return m
}

// refused returns the refusal, which must come.
func refused(t testing.TB, m *sip.Message, raw string) *sip.Error {
	t.Helper()
	var refusal *sip.Error
	if err := m.Parse([]byte(raw)); !errors.As(err, &refusal) {
		t.Fatalf("Parse accepted or failed otherwise (%v):\n%q", err, raw)
	}
	return refusal
}

func sample(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// samples returns every message of testdata by file name.
func samples(t testing.TB) map[string]string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.sip")
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	all := map[string]string{}
	for _, f := range files {
		all[filepath.Base(f)] = sample(t, filepath.Base(f))
	}
	return all
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n got %v\nwant %v", what, got, want)
	}
}
