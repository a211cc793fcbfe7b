package federation

import (
	"strings"
	"testing"
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
