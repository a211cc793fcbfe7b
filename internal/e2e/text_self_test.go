package e2e

import (
	"strings"
	"testing"
)

// TestAConversationNoticesWhatIsNotAsItsTextSays is the other side of conversations that pass.
func TestAConversationNoticesWhatIsNotAsItsTextSays(t *testing.T) {
	const raw = "INFO sip:a SIP/2.0\r\nVia: one;branch=x\r\nX-A: 1\r\nv: two;branch=x\r\nFrom: <a>;tag=f\r\nTo: <b>;tag=f\r\n\r\nbody"
	for _, r := range []struct{ promise, text, says string }{
		{"a start line that fits", "INFO sip:a SIP/2.0", ""},
		{"another start line", "INFO sip:b SIP/2.0", "instead of"},
		{"any start line", "INFO {*} SIP/2.0", ""},
		{"all lines of a header, long and short", "INFO sip:a SIP/2.0|Via: one;branch={b}|v: two;branch={b}", ""},
		{"a line more than the text has", "INFO sip:a SIP/2.0|Via: one;branch={b}", `"v: two;branch=x" is not "the end"`},
		{"a line less", "INFO sip:a SIP/2.0|X-A: 1|X-A: 2", `"X-A: 2" is missing`},
		{"a value that was taken down is demanded", "INFO sip:a SIP/2.0|Via: {first};branch={b}|v: {first};branch={b}", "is not"},
		{"across headers too", "INFO sip:a SIP/2.0|From: <a>;tag={f}|To: <b>;tag={f}", ""},
		{"a header that must not be there", "INFO sip:a SIP/2.0|no X-A", `"X-A: 1" is not`},
		{"a header that is not there", "INFO sip:a SIP/2.0|no X-B", ""},
		{"the name as it is written", "INFO sip:a SIP/2.0|x-a: 1", "is not"},
		{"any order of headers", "INFO sip:a SIP/2.0|X-A: 1|Via: one{*}|v: two{*}", ""},
		{"the order where it is asked for", "in order|INFO sip:a SIP/2.0|X-A: 1|Via: one{*}|v: two{*}", "is not"},
		{"the right order", "in order|INFO sip:a SIP/2.0|Via: one{*}|X-A: 1|v: two{*}", ""},
		{"the body", "INFO sip:a SIP/2.0||body", ""},
		{"another body", "INFO sip:a SIP/2.0||bod", "body"},
	} {
		text, ordered := strings.CutPrefix(r.text, "in order|")
		s := step{text: strings.Split(text, "|")}
		if ordered {
			s.words = []string{"in", "order"}
		}
		c := &conversation{t: t, values: map[string]string{}}
		if got := c.differs(s, raw); (got == "") != (r.says == "") || !strings.Contains(got, r.says) {
			t.Errorf("%s: %q", r.promise, got)
		}
	}
}

func TestAConversationThatCannotBeReadNamesTheLine(t *testing.T) {
	for text, want := range map[string]string{
		"A promise.\nworld: one node\nfe sneds\n": "x.txt:3: this is no step",
		"A promise.\nfe sends\n":                  "x.txt: a promise, a world and steps are wanted",
		"world: one node\nfe sends\n    x\n":      "x.txt: a promise, a world and steps are wanted",
	} {
		m := machine{t: t, dir: t.TempDir()}
		if _, err := readScript(m.write("x.txt", text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
