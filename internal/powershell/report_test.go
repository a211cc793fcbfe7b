package powershell

import (
	"strings"
	"testing"
	"time"

	"isthmus/internal/federation"
	"isthmus/internal/pstest"
)

// reportOf prints rows with the functions of verify.ps1 as PowerShell would. Each row is state, kind, name, scope,
// expected and actual.
func reportOf(t *testing.T, d federation.Deployment, rows ...[6]string) string {
	t.Helper()
	step, _ := File(script(t, d), "verify.ps1")
	head, _, ok := strings.Cut(step.Text, "\n$code = 1\n")
	if !ok {
		t.Fatal("verify.ps1 has no beginning")
	}
	var b strings.Builder
	b.WriteString(head + "\n$rows = @()\n")
	good := "$true"
	for _, row := range rows {
		b.WriteString("$rows += New-Result")
		for _, value := range row {
			quoted, err := Quote(value)
			if err != nil {
				t.Fatal(err)
			}
			b.WriteString(" " + quoted)
		}
		b.WriteString("\n")
		if row[0] != "exists" {
			good = "$false"
		}
	}
	b.WriteString("Write-Report $rows " + good + "\n")
	m := &pstest.Machine{Now: time.Date(2026, 3, 4, 9, 41, 0, 0, time.UTC), Environment: map[string]string{"computername": "FE1"}}
	result, err := m.Run(b.String())
	if err != nil || result.Uncaught != "" {
		t.Fatalf("the report is not printed: %v %s", err, result.Uncaught)
	}
	return result.Printed()
}

func TestTheReaderTakesWhatTheScriptPrints(t *testing.T) {
	for _, kind := range []string{"skype-2019-enterprise", "lync-2010-enterprise"} {
		d := deployments()[kind]
		printed := reportOf(t, d,
			[6]string{"exists", "SipDomain", "synergy.com", "", "present", "present"},
			[6]string{"CONFLICT", "Application", `a "quoted\" name`, "Zürich ‘日本’", "port 5061", "</script>&'"},
			[6]string{"missing", "Name", "imp1.synergy.com", "DNS", "an address", "missing"})
		// Lines of every kind of text, such as today's scripts of the deployment do not print: an older script's.
		older := strings.Replace(printed, Fingerprint(d, snapshot()), "0123456789abcdef0123456789abcdef", 1)
		got, err := ReadVerification([]byte(older), d, snapshot(), dayAfter)
		if err != nil {
			t.Fatalf("%s: %v in\n%s", kind, err, printed)
		}
		want := []federation.VerifyResult{
			{State: "exists", Kind: "SipDomain", Name: "synergy.com", Expected: "present", Actual: "present"},
			{State: "conflict", Kind: "Application", Name: `a "quoted\" name`, Scope: "Zürich ‘日本’", Expected: "port 5061", Actual: "</script>&'"},
			{State: "missing", Kind: "Name", Name: "imp1.synergy.com", Scope: "DNS", Expected: "an address", Actual: "missing"},
		}
		for i, row := range want {
			if got.Results[i] != row {
				t.Errorf("%s: line %d is %+v, want %+v", kind, i+1, got.Results[i], row)
			}
		}
		if older == printed || got.Computer != "FE1" {
			t.Errorf("%s: the result is of %s on %s, and should name %s", kind, got.Fingerprint, got.Computer, Fingerprint(d, snapshot()))
		}
		for _, r := range printed {
			if r > 126 {
				t.Errorf("%s: the report holds %q, which a code page could change", kind, r)
			}
		}
	}
}
