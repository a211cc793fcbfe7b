package federation

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestWhatAStrangerWroteIsTamed(t *testing.T) {
	for in, want := range map[string]string{
		"fe1.synergy.com":            "fe1.synergy.com",
		"<script>alert(1)</script>":  "<script>alert(1)</script>", // pages escape it
		"fe1.synergy.com\x00.foo":    `fe1.synergy.com\u0000.foo`,
		"a\r\nlevel=INFO":            `a\u000d\u000alevel=INFO`,
		"\u202emoc.ygrenys":          `\u202emoc.ygrenys`,
		"z\u0301\u0301\u0301":        `z\u0301\u0301\u0301`,
		"\xff\xfe":                   `\xff\xfe`,
		"\ufffd":                     "\ufffd",
		strings.Repeat("å", 255):     strings.Repeat("å", 255),
		strings.Repeat("x", 64<<10):  strings.Repeat("x", 255) + "...",
		strings.Repeat("\x00", 4096): strings.Repeat(`\u0000`, 255) + "...",
	} {
		h := RefusedHandshake{Subject: in, Detail: in, Issuer: in, Serial: in}
		h.Tame()
		if h.Subject != want || h.Issuer != want || h.Serial != want {
			t.Errorf("%.40q became %.60q, %.60q and %.60q, want %.60q", in, h.Subject, h.Issuer, h.Serial, want)
		}
		if n := utf8.RuneCountInString(h.Detail); n > 6*detailLimit+3 || strings.ContainsRune(h.Detail, 0) {
			t.Errorf("%.40q became a detail of %d characters: %.60q", in, n, h.Detail)
		}
	}
}

// Certificates may hold years, and offsets from UTC, that no JSON holds: one of them would cost the node every report.
func TestTheDatesOfAnyCertificateCanBeReported(t *testing.T) {
	west, end := time.FixedZone("", -60*60), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	for promise, test := range map[string]struct{ in, want time.Time }{
		"of no use":                       {time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC), time.Time{}},
		"of no use to a database":         {time.Date(0, 2, 1, 0, 0, 0, 0, time.UTC), time.Time{}},
		"the first":                       {time.Time{}, time.Time{}},
		"of today, elsewhere":             {time.Date(2026, 1, 1, 0, 0, 0, 0, west), time.Date(2026, 1, 1, 1, 0, 0, 0, time.UTC)},
		"the last":                        {end, end},
		"beyond the last":                 {time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), end},
		"beyond the last in UTC, by zone": {time.Date(9999, 12, 31, 23, 30, 0, 0, west), end},
	} {
		h, p := RefusedHandshake{NotBefore: test.in, NotAfter: test.in}, PeerCertificate{NotBefore: test.in, NotAfter: test.in}
		h.Tame()
		p.Tame()
		for _, got := range []time.Time{h.NotBefore, h.NotAfter, p.NotBefore, p.NotAfter} {
			if got != test.want {
				t.Errorf("%s: %v became %v, want %v", promise, test.in, got, test.want)
			}
		}
		if _, err := json.Marshal([]any{h, p}); err != nil {
			t.Errorf("%s: %v", promise, err)
		}
	}
}
