package powershell

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"isthmus/internal/federation"
)

// verifyFormat names the form of what verify.ps1 -Json prints. Another form gets another name.
const verifyFormat = "isthmus-verify-1"

// Limits of a result: of the whole in bytes, of its rows, and of one of its texts in characters.
const (
	maxVerification = 1 << 20
	maxResults      = 2000
	maxResultText   = 4000
)

// Kinds of rows that verify.ps1 prints: one row for each object of the Microsoft side, for each name that is looked up,
// and for the replication.
const (
	KindSite           = "Site"
	KindRegistrar      = "Registrar"
	KindSIPDomain      = "SipDomain"
	KindRoute          = "Route"
	KindTrustedPool    = "TrustedPool"
	KindComputer       = "Computer"
	KindApplication    = "Application"
	KindPublicProvider = "PublicProvider"
	KindName           = "Name"
	KindReplication    = "Replication"
)

var verifyKinds = []string{KindSite, KindRegistrar, KindSIPDomain, KindRoute, KindTrustedPool, KindComputer, KindApplication,
	KindPublicProvider, KindName, KindReplication}

var verifyStates = []string{federation.VerifyExists, federation.VerifyMissing, federation.VerifyConflict}

// The way out of everything that is no whole result.
const wayOut = " Run " + HandInCommand + " on the front end, and choose the file verify.json."

// ReadVerification reads what verify.ps1 -Json printed for a deployment: UTF-8 with or without a byte order mark, or
// UTF-16 with one, of at most 1 MiB. It is strict, because a person has carried it here: what has more, less or other
// than the script prints, contradicts itself, comes from the future or belongs to another deployment is refused with a
// whole sentence. A result of older scripts, whose Fingerprint is not that of the deployment in the snapshot, is held to
// its form only. The result's ReceivedAt and ReceivedBy are left to the caller, as is what an older script is worth.
func ReadVerification(data []byte, d federation.Deployment, s federation.Snapshot, now time.Time) (federation.Verification, error) {
	if d.Answers.Platform == federation.OCS2007R2 {
		return federation.Verification{}, federation.Refuse("OCS 2007 R2 has no verify.ps1, so there is no result of it to read. Tick off the steps of the checklist.")
	}
	text, err := verificationText(data)
	if err != nil {
		return federation.Verification{}, err
	}
	report, err := readReport(text)
	if err != nil {
		return federation.Verification{}, err
	}
	if report.deployment != d.Name {
		return federation.Verification{}, federation.Refuse("This is a result for the deployment %s, and not for %s. Take it to the page of that deployment, or run this one's verify.ps1.",
			shorten(report.deployment), d.Name)
	}
	found, err := report.verification()
	if err != nil {
		return federation.Verification{}, err
	}
	return checked(found, valuesOf(d, s), now)
}

// checked is a result that fits the clock and, when it is of today's scripts, the deployment.
func checked(found federation.Verification, v values, now time.Time) (federation.Verification, error) {
	err := checkClock(found.CheckedAt, now, found.Computer)
	if err == nil && found.Fingerprint == v.Fingerprint {
		err = v.checkWhole(found.Results)
	}
	if err != nil {
		return federation.Verification{}, err
	}
	return found, nil
}

// A report is the JSON as it stands, each key read once.
type report struct {
	format, deployment, fingerprint, checked, computer string
	ok                                                 bool
	results                                            []federation.VerifyResult
}

func (r report) verification() (federation.Verification, error) {
	none := federation.Verification{}
	checked, err := time.Parse("2006-01-02T15:04:05Z", r.checked)
	if err != nil || checked.Year() < 2000 {
		return none, federation.Refuse("The result's date %s is none that verify.ps1 prints, such as 2026-03-04T09:41:00Z.%s", shorten(r.checked), wayOut)
	}
	if !isFingerprint(r.fingerprint) {
		return none, federation.Refuse("The result's fingerprint %s is none of our scripts.%s", shorten(r.fingerprint), wayOut)
	}
	if err := checkText("computer", r.computer, true); err != nil {
		return none, err
	}
	if err := checkResults(r.results); err != nil {
		return none, err
	}
	if bad := slices.ContainsFunc(r.results, func(v federation.VerifyResult) bool { return v.State != federation.VerifyExists }); bad == r.ok {
		return none, federation.Refuse("The result contradicts itself: it says ok %t, and its lines say %t.%s", r.ok, !bad, wayOut)
	}
	return federation.Verification{Fingerprint: r.fingerprint, Computer: r.computer, CheckedAt: checked, Results: r.results}, nil
}

func checkResults(list []federation.VerifyResult) error {
	if len(list) == 0 || len(list) > maxResults {
		return federation.Refuse("The result has %d lines, and verify.ps1 prints between 1 and %d.%s", len(list), maxResults, wayOut)
	}
	seen := map[[3]string]bool{}
	for _, v := range list {
		if !slices.Contains(verifyStates, v.State) {
			return federation.Refuse("A line of the result has the state %s; the states are exists, missing and conflict.%s", shorten(v.State), wayOut)
		}
		if !slices.Contains(verifyKinds, v.Kind) {
			return federation.Refuse("A line of the result is about a %s, of which verify.ps1 says nothing.%s", shorten(v.Kind), wayOut)
		}
		for _, field := range []struct {
			name, value string
			needed      bool
		}{{"name", v.Name, true}, {"scope", v.Scope, false}, {"expected", v.Expected, true}, {"actual", v.Actual, true}} {
			if err := checkText(field.name, field.value, field.needed); err != nil {
				return err
			}
		}
		key := [3]string{v.Kind, strings.ToLower(v.Name), strings.ToLower(v.Scope)}
		if seen[key] {
			return federation.Refuse("The result has two lines for %s %s.%s", v.Kind, shorten(v.Name), wayOut)
		}
		seen[key] = true
	}
	return nil
}

// checkText holds a text to what a page and the database can show.
func checkText(field, value string, needed bool) error {
	switch {
	case needed && value == "":
		return federation.Refuse("The result has an empty %s.%s", field, wayOut)
	case utf8.RuneCountInString(value) > maxResultText:
		return federation.Refuse("The result has more than %d characters in the field %s.%s", maxResultText, field, wayOut)
	case strings.ContainsFunc(value, unwritable):
		return federation.Refuse("The result has a control character in the field %s. Look at that object on the Microsoft side; its value cannot be shown.", field)
	}
	return nil
}

func isFingerprint(s string) bool {
	return len(s) == 32 && strings.Trim(s, "0123456789abcdef") == ""
}

// shorten is a foreign text as a sentence can hold it.
func shorten(value string) string {
	value = strings.Map(func(r rune) rune {
		if unwritable(r) {
			return utf8.RuneError
		}
		return r
	}, value)
	if runes := []rune(value); len(runes) > 60 {
		value = string(runes[:60]) + "…"
	}
	return `"` + value + `"`
}
