package powershell

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"isthmus/internal/federation"
)

// verificationText is the text of a file that Windows wrote: Out-File makes UTF-16 unless it is told otherwise, and a
// page's text field makes UTF-8 without a byte order mark.
func verificationText(data []byte) (string, error) {
	if len(data) > maxVerification {
		return "", federation.Refuse("The file is larger than 1 MiB, and a result of verify.ps1 never is.%s", wayOut)
	}
	text, ok := string(data), true
	switch {
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}):
		text, ok = fromUTF16(data[2:], binary.LittleEndian)
	case bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		text, ok = fromUTF16(data[2:], binary.BigEndian)
	default:
		text = strings.TrimPrefix(text, "\ufeff")
	}
	if !ok || !utf8.ValidString(text) {
		return "", federation.Refuse("The file is neither UTF-8 nor UTF-16.%s", wayOut)
	}
	text = strings.Trim(text, " \t\r\n")
	return text, recognize(text)
}

func fromUTF16(data []byte, order binary.ByteOrder) (string, bool) {
	if len(data)%2 != 0 {
		return "", false
	}
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = order.Uint16(data[2*i:])
	}
	text := string(utf16.Decode(units))
	// A lone surrogate becomes the replacement character, which no result of ours holds: it is ASCII throughout.
	return text, !strings.ContainsRune(text, utf8.RuneError)
}

// recognize names what people bring in place of the result, before JSON's own errors would confuse them.
func recognize(text string) error {
	switch {
	case text == "":
		return federation.Refuse("There is nothing in it.%s", wayOut)
	case strings.HasPrefix(text, "<"):
		return federation.Refuse("This is a page or XML, and no result of verify.ps1.%s", wayOut)
	case strings.HasPrefix(text, "{") && strings.HasSuffix(text, "}"):
		return nil
	case endsEarly(text):
		return federation.Refuse("The result ends too early: a part of it is lost.%s", wayOut)
	case strings.Contains(text, verifyFormat):
		return federation.Refuse("There is more in it than the result, such as a prompt or a transcript around it.%s", wayOut)
	case strings.Contains(text, "Expected") && strings.Contains(text, "Actual"):
		return federation.Refuse("This is the table for people, and not the result for this page.%s", wayOut)
	}
	return federation.Refuse("This is no result of verify.ps1.%s", wayOut)
}

// endsEarly reports whether a text is the beginning of a JSON object and no more.
func endsEarly(text string) bool {
	var whole json.RawMessage
	return strings.HasPrefix(text, "{") && json.NewDecoder(strings.NewReader(text)).Decode(&whole) == io.ErrUnexpectedEOF
}

// readReport reads the JSON key by key: encoding/json alone would take a key twice, in other letters, or not at all.
func readReport(text string) (report, error) {
	var r report
	var results []json.RawMessage
	dec := json.NewDecoder(strings.NewReader(text))
	err := readObject(dec, map[string]any{"format": &r.format, "deployment": &r.deployment, "fingerprint": &r.fingerprint,
		"checked": &r.checked, "computer": &r.computer, "ok": &r.ok, "results": &results}, func() error { return checkFormat(r.format) })
	if err != nil {
		return r, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return r, federation.Refuse("Something follows the result's end.%s", wayOut)
	}
	for _, raw := range results {
		var v federation.VerifyResult
		err := readObject(json.NewDecoder(bytes.NewReader(raw)), map[string]any{"state": &v.State, "kind": &v.Kind, "name": &v.Name,
			"scope": &v.Scope, "expected": &v.Expected, "actual": &v.Actual}, nil)
		if err != nil {
			return r, err
		}
		r.results = append(r.results, v)
	}
	return r, nil
}

// checkFormat comes before every other complaint: what is another form has every right to have other keys.
func checkFormat(format string) error {
	switch {
	case format == verifyFormat:
		return nil
	case strings.HasPrefix(format, "isthmus-verify-"):
		return federation.Refuse("The result has the form %s, and this console reads %s. Download verify.ps1 from this page and run it again.", shorten(format), verifyFormat)
	}
	return federation.Refuse("This is JSON, but no result of verify.ps1.%s", wayOut)
}

// readObject reads one object whose keys are exactly those of fields, each once, into what they point to. When it is
// given, early is asked first where the keys are wrong.
func readObject(dec *json.Decoder, fields map[string]any, early func() error) error {
	o := object{fields: fields}
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return broken()
	}
	for dec.More() {
		if !o.readEntry(dec) {
			return broken()
		}
	}
	if _, err := dec.Token(); err != nil {
		return broken()
	}
	if early != nil {
		if err := early(); err != nil {
			return err
		}
	}
	if absent := o.absent(); absent != "" {
		o.complain("The result is not whole: it has no %s.", absent)
	}
	return o.wrong
}

// An object is one JSON object while it is read, with the first thing that is wrong with it.
type object struct {
	fields map[string]any
	seen   []string
	wrong  error
}

// readEntry reads a key and its value; it returns false where that is no JSON.
func (o *object) readEntry(dec *json.Decoder) bool {
	t, err := dec.Token()
	key, isKey := t.(string)
	if err != nil || !isKey {
		return false
	}
	target, known := o.fields[key]
	if !known {
		target = new(any)
		o.complain("The result has a key %s, which verify.ps1 does not print.", shorten(key))
	}
	if slices.Contains(o.seen, key) {
		o.complain("The result has the key %s twice.", shorten(key))
	}
	o.seen = append(o.seen, key)
	fits, err := readValue(dec, target)
	if known && !fits {
		o.complain("The result's %s is of another kind than verify.ps1 prints.", shorten(key))
	}
	return err == nil
}

func (o *object) complain(format, value string) {
	if o.wrong == nil {
		o.wrong = federation.Refuse(format+"%s", value, wayOut)
	}
}

// absent are the keys that were not there, in the order of the alphabet.
func (o *object) absent() string {
	var list []string
	for key := range o.fields {
		if !slices.Contains(o.seen, key) {
			list = append(list, key)
		}
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// readValue reads one value. It does not fit when its kind is another than the target's; null fits nothing.
func readValue(dec *json.Decoder, target any) (fits bool, err error) {
	var raw json.RawMessage
	if err := dec.Decode(&raw); err != nil {
		return false, err
	}
	return string(raw) != "null" && json.Unmarshal(raw, target) == nil, nil
}

// broken is what a result is whose lines a window has broken, or that was cut.
func broken() error {
	return federation.Refuse("The result is broken: it is cut off, or it was copied from a window that breaks long lines.%s", wayOut)
}
