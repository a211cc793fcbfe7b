package powershell

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"isthmus/internal/federation"
)

// dayAfter is when results are handed in: the day after the model's.
var dayAfter = time.Date(2026, 3, 5, 9, 41, 0, 0, time.UTC)

func verified() federation.Deployment { return deployments()["skype-2019-enterprise"] }

// result is what verify.ps1 prints, with one line that is as it should be and one that is not.
const result = `{
  "format": "isthmus-verify-1",
  "deployment": "pool.synergy.com",
  "fingerprint": "0123456789abcdef0123456789abcdef",
  "checked": "2026-03-04T09:41:00Z",
  "computer": "FE1",
  "ok": false,
  "results": [
    {"state": "exists", "kind": "Site", "name": "Z\u00fcrich \u2018\"north\\\"\u2019", "scope": "", "expected": "present", "actual": "present"},
    {"state": "conflict", "kind": "Route", "name": "synergy.com", "scope": "Global", "expected": "TLS imp1.synergy.com:5061", "actual": "TLS vcs.synergy.com:5061"}
  ]
}
`

func read(t *testing.T, data []byte) federation.Verification {
	t.Helper()
	v, err := ReadVerification(data, verified(), snapshot(), dayAfter)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func utf16Of(text string, order binary.AppendByteOrder) []byte {
	var b bytes.Buffer
	for _, unit := range utf16.Encode([]rune("\ufeff" + text)) {
		b.Write(order.AppendUint16(nil, unit))
	}
	return b.Bytes()
}

func TestAResultIsReadInEveryEncodingOfWindows(t *testing.T) {
	want := federation.Verification{Fingerprint: "0123456789abcdef0123456789abcdef", Computer: "FE1", CheckedAt: time.Date(2026, 3, 4, 9, 41, 0, 0, time.UTC),
		Results: []federation.VerifyResult{
			{State: "exists", Kind: "Site", Name: "Zürich ‘\"north\\\"’", Expected: "present", Actual: "present"},
			{State: "conflict", Kind: "Route", Name: "synergy.com", Scope: "Global", Expected: "TLS imp1.synergy.com:5061", Actual: "TLS vcs.synergy.com:5061"},
		}}
	lines := strings.ReplaceAll(result, "\n", "\r\n")
	for name, data := range map[string][]byte{
		"UTF-8": []byte(result), "UTF-8 of Windows": []byte("\ufeff" + lines), "UTF-16 LE": utf16Of(lines, binary.LittleEndian), "UTF-16 BE": utf16Of(lines, binary.BigEndian),
		"pasted": []byte("\r\n  " + result + "\r\n\r\n"),
	} {
		if got := read(t, data); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

func TestResultsAreRefusedWithTheWayOut(t *testing.T) {
	edit := func(was, is string) []byte {
		if !strings.Contains(result, was) {
			t.Fatalf("the result holds no %s", was)
		}
		return []byte(strings.Replace(result, was, is, 1))
	}
	site := result[strings.Index(result, `    {"state": "exists"`) : strings.Index(result, "present\"},")+len("present\"},")]
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"nothing":                   {nil, "There is nothing in it."},
		"blanks":                    {[]byte("\ufeff \r\n"), "There is nothing in it."},
		"too much":                  {bytes.Repeat([]byte(" "), maxVerification+1), "larger than 1 MiB"},
		"no text":                   {[]byte("{\xff}"), "neither UTF-8 nor UTF-16"},
		"half a character":          {utf16Of(result, binary.LittleEndian)[:101], "neither UTF-8 nor UTF-16"},
		"a lone surrogate":          {[]byte{0xff, 0xfe, '{', 0, 0x00, 0xd8, '}', 0}, "neither UTF-8 nor UTF-16"},
		"UTF-16 without a mark":     {utf16Of(result, binary.LittleEndian)[2:], "This is no result of verify.ps1."},
		"a page":                    {[]byte("<!DOCTYPE html><html></html>"), "This is a page or XML"},
		"the script":                {[]byte("#Requires -Version 3.0\n"), "This is no result of verify.ps1."},
		"the table":                 {[]byte("State  Kind  Name  Scope  Expected  Actual\nexists Site 1"), "the table for people"},
		"a transcript":              {[]byte("PS C:\\> .\\verify.ps1 -Json\n" + result), "such as a prompt or a transcript around it"},
		"a prompt behind":           {[]byte(result + "PS C:\\>"), "such as a prompt or a transcript around it"},
		"two results":               {[]byte(result + result), "Something follows the result's end."},
		"cut off in the middle":     {[]byte(result[:300]), "The result ends too early"},
		"cut off at the end":        {[]byte(strings.TrimRight(result, "}\n")), "The result ends too early"},
		"cut off behind a line":     {[]byte(result[:strings.Index(result, "},")+1]), "is cut off"},
		"cut off, and a prompt":     {[]byte("PS C:\\> .\\verify.ps1 -Json\n" + result[:300]), "such as a prompt or a transcript around it"},
		"cut off":                   {[]byte(result[:300] + "}"), "The result is broken"},
		"a broken line":             {edit("vcs.syn", "vcs.\nsyn"), "The result is broken"},
		"a list of results":         {[]byte("[" + result + "]"), "such as a prompt or a transcript around it"},
		"foreign JSON":              {[]byte(`{"name": "isthmus", "version": 1}`), "This is JSON, but no result of verify.ps1."},
		"an empty object":           {[]byte(`{}`), "This is JSON, but no result of verify.ps1."},
		"deep JSON":                 {[]byte(`{"x": ` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + "}"), "The result is broken"},
		"another form":              {edit("verify-1", "verify-2"), `The result has the form "isthmus-verify-2", and this console reads isthmus-verify-1. Download verify.ps1 from this page`},
		"another form, other keys":  {[]byte(`{"format": "isthmus-verify-2", "what": 1}`), `The result has the form "isthmus-verify-2"`},
		"another deployment":        {edit(`"pool.synergy.com"`, `"pool.example.com"`), `This is a result for the deployment "pool.example.com", and not for pool.synergy.com.`},
		"a deployment of two lines": {edit(`"pool.synergy.com"`, `"a\nb"`), "for the deployment \"a\ufffdb\","},
		"an unknown key":            {edit(`"ok"`, `"fine": 1, "ok"`), `The result has a key "fine"`},
		"a key in capitals":         {edit(`"ok"`, `"OK"`), `The result has a key "OK"`},
		"a key twice":               {edit(`"ok": false`, `"ok": true, "ok": false`), `The result has the key "ok" twice.`},
		"a key too few":             {edit("  \"ok\": false,\n", ""), "The result is not whole: it has no ok."},
		"a number for a text":       {edit(`"FE1"`, `1`), `The result's "computer" is of another kind`},
		"null":                      {edit(`"FE1"`, `null`), `The result's "computer" is of another kind`},
		"a text for ok":             {edit(`false`, `"false"`), `The result's "ok" is of another kind`},
		"lines that are a text":     {edit(result[strings.Index(result, "[\n"):strings.LastIndex(result, "]")+1], `"none"`), `The result's "results" is of another kind`},
		"a line that is a text":     {edit(site, `"exists",`), "The result is broken"},
		"no lines":                  {edit(result[strings.Index(result, "[\n")+1:strings.LastIndex(result, "]")], ""), "The result has 0 lines"},
		"too many lines":            {edit(site, strings.Repeat(site+"\n", maxResults)), "The result has 2001 lines"},
		"a line twice":              {edit(site, site+"\n"+site), `The result has two lines for Site "Zürich`},
		"an unknown key in a line":  {edit(`"scope"`, `"more": "", "scope"`), `The result has a key "more"`},
		"a line without a name":     {edit(`"name": "synergy.com", `, ""), "The result is not whole: it has no name."},
		"an empty name":             {edit(`"synergy.com"`, `""`), "The result has an empty name."},
		"an empty actual":           {edit(`"TLS vcs.synergy.com:5061"`, `""`), "The result has an empty actual."},
		"no computer":               {edit(`"FE1"`, `""`), "The result has an empty computer."},
		"a state in capitals":       {edit(`"conflict"`, `"CONFLICT"`), `A line of the result has the state "CONFLICT"; the states are`},
		"an unknown kind":           {edit(`"Site"`, `"User"`), `A line of the result is about a "User"`},
		"a control character":       {edit("vcs.", `vcs.\u0007`), "The result has a control character in the field actual."},
		"a turn of direction":       {edit("vcs.", `vcs.\u202e`), "The result has a control character in the field actual."},
		"a long text":               {edit("vcs.", strings.Repeat("v", maxResultText)), "more than 4000 characters in the field actual."},
		"a local date":              {edit("09:41:00Z", "09:41:00"), `The result's date "2026-03-04T09:41:00" is none`},
		"a date of year one":        {edit("2026-03-04", "0001-01-01"), "is none that verify.ps1 prints"},
		"no such day":               {edit("2026-03-04", "2026-02-30"), "is none that verify.ps1 prints"},
		"a short fingerprint":       {edit("0123456789abcdef0123456789abcdef", "0123"), `The result's fingerprint "0123" is none of our scripts.`},
		"a fingerprint in capitals": {edit("abcdef\"", "ABCDEF\""), "is none of our scripts."},
		"ok in spite of a conflict": {edit(`false`, `true`), "The result contradicts itself: it says ok true, and its lines say false."},
		"not ok without a reason":   {edit(`"conflict"`, `"exists"`), "The result contradicts itself: it says ok false, and its lines say true."},
	} {
		got, err := ReadVerification(c.data, verified(), snapshot(), dayAfter)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasSuffix(err.Error(), ".") || !reflect.DeepEqual(got, federation.Verification{}) {
			t.Errorf("%s: %+v, %v; want a refusal with %q", name, got.Computer, err, c.want)
		}
	}
}

func TestALongForeignTextIsShortened(t *testing.T) {
	data := strings.Replace(result, `"pool.synergy.com"`, `"`+strings.Repeat("x", 5000)+`"`, 1)
	if _, err := ReadVerification([]byte(data), verified(), snapshot(), dayAfter); err == nil || len(err.Error()) > 300 {
		t.Errorf("the refusal is %v", err)
	}
}

func TestOCSHasNoResultToRead(t *testing.T) {
	if _, err := ReadVerification([]byte(result), deployments()["ocs-enterprise"], snapshot(), dayAfter); err == nil || !strings.Contains(err.Error(), "OCS 2007 R2 has no verify.ps1") {
		t.Errorf("a result for OCS: %v", err)
	}
}

// TestTheReaderKnowsWhatTheScriptPrints compares the kinds, the states and the keys of verify.ps1 with the reader's.
func TestTheReaderKnowsWhatTheScriptPrints(t *testing.T) {
	printed := map[string]bool{}
	for _, kind := range []string{"skype-2019-enterprise", "lync-2013-enterprise-calling"} {
		step, _ := File(script(t, deployments()[kind]), "verify.ps1")
		tokens, err := tokenize(step.Text)
		if err != nil {
			t.Fatal(err)
		}
		for i, tok := range tokens {
			switch {
			case tok.text == "New-Row" && tokens[i+1].kind == "string":
				printed[tokens[i+1].text] = true
			case tok.text == "New-Result" && tokens[i+1].kind == "variable" && tokens[i+2].kind == "string":
				printed[tokens[i+2].text] = true
			case tok.text == "ConvertTo-JsonPair" && tokens[i+1].kind == "string" && !strings.Contains(result, `"`+tokens[i+1].text+`": `):
				t.Errorf("verify.ps1 prints the key %s, which the reader's example lacks", tokens[i+1].text)
			}
		}
		if !strings.Contains(step.Text, "'"+verifyFormat+"'") {
			t.Errorf("verify.ps1 does not print the form %s", verifyFormat)
		}
	}
	for _, kind := range verifyKinds {
		if !printed[kind] {
			t.Errorf("verify.ps1 prints no line of the kind %s", kind)
		}
		delete(printed, kind)
	}
	if len(printed) > 0 {
		t.Errorf("the reader does not know the kinds %v", printed)
	}
}

// printed is the JSON of a verification as verify.ps1 writes it: ASCII alone, everything else as \u.
func printed(v federation.Verification, deployment string) string {
	text := func(s string) string {
		var b strings.Builder
		for _, unit := range utf16.Encode([]rune(s)) {
			switch {
			case unit == '"' || unit == '\\':
				b.WriteByte('\\')
				b.WriteByte(byte(unit))
			case unit < 32 || unit > 126:
				fmt.Fprintf(&b, "\\u%04x", unit)
			default:
				b.WriteByte(byte(unit))
			}
		}
		return `"` + b.String() + `"`
	}
	var lines []string
	for _, r := range v.Results {
		lines = append(lines, fmt.Sprintf(`    {"state": %s, "kind": %s, "name": %s, "scope": %s, "expected": %s, "actual": %s}`,
			text(r.State), text(r.Kind), text(r.Name), text(r.Scope), text(r.Expected), text(r.Actual)))
	}
	good := !slices.ContainsFunc(v.Results, func(r federation.VerifyResult) bool { return r.State != "exists" })
	return fmt.Sprintf("{\n  \"format\": %s,\n  \"deployment\": %s,\n  \"fingerprint\": %s,\n  \"checked\": %s,\n  \"computer\": %s,\n  \"ok\": %t,\n  \"results\": [\n%s\n  ]\n}\n",
		text(verifyFormat), text(deployment), text(v.Fingerprint), text(v.CheckedAt.Format("2006-01-02T15:04:05Z")), text(v.Computer), good, strings.Join(lines, ",\n"))
}

func TestWhatTheScriptPrintsIsTheExample(t *testing.T) {
	if got := printed(read(t, []byte(result)), "pool.synergy.com"); got != result {
		t.Errorf("printed again the result is\n%s", got)
	}
}

// FuzzReadVerification feeds anything: what is taken is within the limits, and printed again it is read as the same.
func FuzzReadVerification(f *testing.F) {
	for _, seed := range []string{result, "\ufeff" + result, "{}", "<html>", `{"format": "isthmus-verify-1"}`, strings.ReplaceAll(result, "FE1", `\ud83d\ude00`)} {
		f.Add([]byte(seed))
	}
	f.Add(utf16Of(result, binary.LittleEndian))
	f.Add(utf16Of(result, binary.BigEndian))
	d := verified()
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := ReadVerification(data, d, snapshot(), dayAfter)
		if err != nil {
			if text := err.Error(); !utf8.ValidString(text) || strings.ContainsFunc(text, unwritable) || !strings.HasSuffix(text, ".") {
				t.Fatalf("the refusal is %q", text)
			}
			return
		}
		again, err := ReadVerification([]byte(printed(v, d.Name)), d, snapshot(), dayAfter)
		if err != nil || !reflect.DeepEqual(again, v) {
			t.Fatalf("%+v printed again is %+v, %v", v, again, err)
		}
		if !isFingerprint(v.Fingerprint) || len(v.Results) == 0 || len(v.Results) > maxResults {
			t.Fatalf("%+v is taken", v)
		}
	})
}

// FuzzResultTexts prints any text as the script does and reads it back.
func FuzzResultTexts(f *testing.F) {
	for _, seed := range []string{"a", "\"", "\\u0041", "‘", "😀", "\u202e", strings.Repeat("x", maxResultText+1)} {
		f.Add(seed)
	}
	d := verified()
	f.Fuzz(func(t *testing.T, text string) {
		v := read(t, []byte(result))
		v.Results[0].Actual, v.Computer = text, text
		got, err := ReadVerification([]byte(printed(v, d.Name)), d, snapshot(), dayAfter)
		fit := text != "" && utf8.RuneCountInString(text) <= maxResultText && !strings.ContainsFunc(text, unwritable)
		if !utf8.ValidString(text) {
			return // no text that PowerShell could hold
		}
		if fit != (err == nil) || fit && !reflect.DeepEqual(got, v) {
			t.Fatalf("%q is read as %+v, %v", text, got, err)
		}
	})
}
