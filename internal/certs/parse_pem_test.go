package certs

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"isthmus/internal/federation"
)

// utf16Of is a text as Windows' tools write it, with its byte order mark.
func utf16Of(text []byte, little bool) []byte {
	var out []byte
	for _, unit := range utf16.Encode([]rune("\uFEFF" + string(text))) {
		if little {
			out = append(out, byte(unit), byte(unit>>8))
		} else {
			out = append(out, byte(unit>>8), byte(unit))
		}
	}
	return out
}

// damaged are files whose second block is no longer whole, and the line in which that begins.
func damaged(first, second []byte) map[string][]byte {
	lines := bytes.SplitAfter(second, []byte("\n"))
	edited := func(edit func([][]byte) [][]byte) []byte {
		return append(bytes.Clone(first), bytes.Join(edit(append([][]byte{}, lines...)), nil)...)
	}
	return map[string][]byte{
		"a line that is no base64":   edited(func(l [][]byte) [][]byte { l[2] = []byte("%%%%\n"); return l }),
		"cut off":                    edited(func(l [][]byte) [][]byte { return l[:3] }),
		"cut off before a third":     append(edited(func(l [][]byte) [][]byte { return l[:3] }), first...),
		"another last line":          edited(func(l [][]byte) [][]byte { l[len(l)-2] = []byte("-----END X-----\n"); return l }),
		"a dash short at its head":   edited(func(l [][]byte) [][]byte { l[0] = l[0][1:]; return l }),
		"without its first line":     edited(func(l [][]byte) [][]byte { return l[1:] }),
		"an end that nothing begins": append(bytes.Clone(first), "-----END CERTIFICATE-----\n"...),
	}
}

func TestAFileWithADamagedBlockIsTakenInNoPart(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	issuing := newAuthority(t, "Issuing")
	for promise, file := range damaged(pemOf(ca.certificate), pemOf(issuing.certificate)) {
		if list, err := ImportTrust(now, file); err == nil || list != nil || !strings.Contains(err.Error(), "file: The PEM block ") || !strings.Contains(err.Error(), "is damaged or cut off") {
			t.Errorf("%s: %d CAs, error %v", promise, len(list), err)
		}
	}
	leaf, private := ca.issue(t, node)
	for promise, file := range damaged(pemOf(leaf, private), pemOf(ca.certificate)) {
		if c, err := ImportOwn(k, node, now, file, nil); err == nil || c.Node != "" || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("an own one, %s: %v", promise, err)
		}
		if _, err := ReadCandidate(federation.Snapshot{}, now, bytes.ReplaceAll(file, pemOf(private), nil)); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("a peer's, %s: %v", promise, err)
		}
	}
	for promise, file := range damaged(pemOf(private), pemOf(leaf)) {
		if _, err := ImportOwn(k, node, now, pemOf(leaf), file); err == nil || !strings.Contains(err.Error(), "key: The PEM block ") {
			t.Errorf("a key file, %s: %v", promise, err)
		}
	}
	for promise, file := range damaged(recordedKeys(t)[0], pemOf(leaf)) {
		if _, err := Decrypt("file", file, openSesame); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("a protected key, %s: %v", promise, err)
		}
	}
}

func TestADamagedBlockIsNamedByItsLine(t *testing.T) {
	ca := pemOf(newAuthority(t, "Root").certificate)
	file := append([]byte("Bag Attributes\r\n"), bytes.ReplaceAll(ca, []byte("\n"), []byte("\r\n"))...)
	want := "The PEM block in line " + string(rune('0'+bytes.Count(file, []byte("\n"))/10)) + string(rune('0'+(bytes.Count(file, []byte("\n"))+1)%10))
	if _, err := ImportTrust(now, append(file, ca[:100]...)); err == nil || !strings.Contains(err.Error(), want+" of this file is damaged") {
		t.Errorf("%v, want %q", err, want)
	}
}

func TestATextOfWindowsIsReadAsAnyOther(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	leaf, private := ca.issue(t, node)
	mark := []byte("\uFEFF")
	forms := map[string]func([]byte) []byte{
		"UTF-8 with a mark":   func(b []byte) []byte { return append(bytes.Clone(mark), b...) },
		"UTF-16 LE":           func(b []byte) []byte { return utf16Of(b, true) },
		"UTF-16 BE":           func(b []byte) []byte { return utf16Of(b, false) },
		"UTF-16 LE, no mark":  func(b []byte) []byte { return utf16Of(b, true)[2:] },
		"UTF-16 BE, no mark":  func(b []byte) []byte { return utf16Of(b, false)[2:] },
		"lines ended by CR":   func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\r")) },
		"lines ended by CRLF": func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")) },
		"moved to the right": func(b []byte) []byte {
			return bytes.TrimRight(append([]byte("  "), bytes.ReplaceAll(b, []byte("\n"), []byte("  \n\t "))...), "\t ")
		},
	}
	for promise, in := range forms {
		both := append(in(pemOf(ca.certificate)), in(pemOf(newAuthority(t, "Other").certificate))...)
		if list, err := ImportTrust(now, both); err != nil || len(list) != 2 {
			t.Errorf("%s: %d CAs of two files in one, error %v", promise, len(list), err)
		}
		if _, err := ImportOwn(k, node, now, in(pemOf(leaf)), in(pemOf(private))); err != nil {
			t.Errorf("%s: %v", promise, err)
		}
		if !HoldsKey(in(pemOf(private))) {
			t.Errorf("%s: the key is not seen", promise)
		}
		if _, err := ImportTrust(now, in(pemOf(ca.certificate, private))); err == nil || !strings.Contains(err.Error(), "holds a private key") {
			t.Errorf("%s: a key beside a CA: %v", promise, err)
		}
		protectedLeaf := in(append(pemOf(leaf), recordedKeys(t)[0]...))
		if opened, err := Decrypt("file", protectedLeaf, openSesame); err != nil || !bytes.Contains(opened, []byte("-----BEGIN PRIVATE KEY-----")) {
			t.Errorf("%s: a protected key: %v", promise, err)
		}
		if _, err := ImportTrust(now, in([]byte("garbage"))); err == nil || !strings.Contains(err.Error(), "no certificate in PEM or DER form") {
			t.Errorf("%s: garbage: %v", promise, err)
		}
	}
}

func TestADamagedBlockIsNamedByItsLineWhateverEndsLines(t *testing.T) {
	ca := pemOf(newAuthority(t, "Root").certificate)
	file := append(bytes.Clone(ca), bytes.Replace(ca, []byte("-----END"), []byte("--END"), 1)...)
	want := fmt.Sprintf("The PEM block in line %d of this file is damaged", bytes.Count(ca, []byte("\n"))+1)
	for promise, end := range map[string]string{"LF": "\n", "CRLF": "\r\n", "CR": "\r", "LF and blanks": "\n  "} {
		if _, err := ImportTrust(now, bytes.ReplaceAll(file, []byte("\n"), []byte(end))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", promise, err, want)
		}
	}
}

func TestADamagedBlockIsSeenInUTF16ByItsMark(t *testing.T) {
	for promise, little := range map[string]bool{"LE": true, "BE": false} {
		if _, err := ImportTrust(now, utf16Of([]byte("-----END CERTIFICATE-----\n"), little)); err == nil || !strings.Contains(err.Error(), "in line 1 of this file is damaged") {
			t.Errorf("%s: %v", promise, err)
		}
	}
}

func TestWhatIsNoListOfCertificatesIsNotSaidToBeTooLong(t *testing.T) {
	ca := newAuthority(t, "Root").certificate.Raw
	for promise, file := range map[string][]byte{"zeros": make([]byte, 1000), "zeros behind one": append(bytes.Clone(ca), make([]byte, 1000)...)} {
		if _, err := ImportTrust(now, file); err == nil || !strings.Contains(err.Error(), "holds no certificate in PEM or DER form") {
			t.Errorf("%s: %v", promise, err)
		}
	}
}
