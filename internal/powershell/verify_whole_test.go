package powershell

import (
	"slices"
	"strings"
	"testing"
	"time"

	"isthmus/internal/federation"
)

// wholeResult is what today's verify.ps1 finds when all is well.
func wholeResult(d federation.Deployment) federation.Verification {
	return federation.Verification{Fingerprint: Fingerprint(d, snapshot()), Computer: "FE1", CheckedAt: dayAfter.AddDate(0, 0, -1), Results: Expected(d, snapshot())}
}

func TestExpectedIsWhatVerifyPrints(t *testing.T) {
	each(t, func(t *testing.T, d federation.Deployment) {
		got := resultOf(t, d, ran(t, configured(t, d), d, 0, "verify.ps1", "-Json")).Results
		want := Expected(d, snapshot())
		for i := range want {
			if want[i].Expected == "an address" {
				want[i].Actual = got[i].Actual
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("verify.ps1 prints\n%+v\nand expected is\n%+v", got, want)
		}
	})
}

func TestOfTodaysScriptsEveryLineIsNeeded(t *testing.T) {
	d := servers()["lync-2013-enterprise-calling"]
	whole := wholeResult(d)
	if _, err := ReadVerification([]byte(printed(whole, d.Name)), d, snapshot(), dayAfter); err != nil {
		t.Fatalf("a whole result is refused: %v", err)
	}
	for i, row := range whole.Results {
		part := whole
		part.Results = slices.Delete(slices.Clone(whole.Results), i, i+1)
		refusedResult(t, d, part, "lacks the line for "+row.Kind+` "`+row.Name+`"`)
		part.Fingerprint = "0123456789abcdef0123456789abcdef"
		if _, err := ReadVerification([]byte(printed(part, d.Name)), d, snapshot(), dayAfter); err != nil {
			t.Errorf("older scripts may print less: %v", err)
		}
	}
}

func refusedResult(t *testing.T, d federation.Deployment, v federation.Verification, want string) {
	t.Helper()
	_, err := ReadVerification([]byte(printed(v, d.Name)), d, snapshot(), dayAfter)
	if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `Run .\verify.ps1`) {
		t.Errorf("the refusal is %v, want %q and the way out", err, want)
	}
}

func TestOfTodaysScriptsEveryLineIsTheirs(t *testing.T) {
	d := servers()["skype-2019-enterprise"]
	at := func(kind string) int {
		return slices.IndexFunc(Expected(d, snapshot()), func(r federation.VerifyResult) bool { return r.Kind == kind })
	}
	for name, c := range map[string]struct {
		kind string
		edit func(r *federation.VerifyResult)
		want string
	}{
		"an unknown name":            {KindComputer, func(r *federation.VerifyResult) { r.Name = "imp9.synergy.com" }, `a line for Computer "imp9.synergy.com", which today's verify.ps1 does not print`},
		"a kind of others":           {KindReplication, func(r *federation.VerifyResult) { r.Kind = KindPublicProvider }, "a line for PublicProvider"},
		"another scope":              {KindApplication, func(r *federation.VerifyResult) { r.Scope = "Global" }, "a line for Application"},
		"another expectation":        {KindTrustedPool, func(r *federation.VerifyResult) { r.Expected, r.Actual = "anything", "anything" }, `expects "anything" of TrustedPool`},
		"exists, and is another":     {KindRoute, func(r *federation.VerifyResult) { r.Actual = "TLS vcs.synergy.com:5061" }, `says exists of Route "synergy.com", and its values say conflict`},
		"exists, and is missing":     {KindSite, func(r *federation.VerifyResult) { r.Actual = "missing" }, `says exists of Site "1", and its values say missing`},
		"missing, and is there":      {KindSite, func(r *federation.VerifyResult) { r.State = "missing" }, `says missing of Site "1", and its values say exists`},
		"conflict, and is as wanted": {KindReplication, func(r *federation.VerifyResult) { r.State = "conflict" }, `says conflict of Replication`},
		"a name that leads away":     {KindName, func(r *federation.VerifyResult) { r.Actual = "10.9.9.9" }, `says exists of Name "imp1.synergy.com", and its values say conflict`},
	} {
		v := wholeResult(d)
		c.edit(&v.Results[at(c.kind)])
		t.Run(name, func(t *testing.T) { refusedResult(t, d, v, c.want) })
	}
	for name, edit := range map[string]func(v *federation.Verification){
		"a name with more addresses": func(v *federation.Verification) { v.Results[at(KindName)].Actual = "10.9.9.9 10.1.10.11" },
		"other letters":              func(v *federation.Verification) { v.Results[at(KindRoute)].Actual = "TLS IMP1.synergy.com:5061" },
		"something in conflict": func(v *federation.Verification) {
			v.Results[at(KindRoute)].State, v.Results[at(KindRoute)].Actual = "conflict", "TLS vcs.synergy.com:5061"
		},
	} {
		v := wholeResult(d)
		edit(&v)
		if _, err := ReadVerification([]byte(printed(v, d.Name)), d, snapshot(), dayAfter); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRoutesOfAResultAreInTheCollectionsOfThePool(t *testing.T) {
	d := servers()["skype-2019-enterprise"]
	in := func(scopes ...string) federation.Verification {
		v := wholeResult(d)
		var rows []federation.VerifyResult
		for _, r := range v.Results {
			if r.Kind != KindRoute {
				rows = append(rows, r)
				continue
			}
			for _, r.Scope = range scopes {
				rows = append(rows, r)
			}
		}
		v.Results = rows
		return v
	}
	for _, scopes := range [][]string{{"Global"}, {"Service:Registrar:pool.synergy.com"}, {"Registrar:POOL.synergy.com"}, {"Service:Registrar:pool.synergy.com", "Registrar:pool.synergy.com"}} {
		if _, err := ReadVerification([]byte(printed(in(scopes...), d.Name)), d, snapshot(), dayAfter); err != nil {
			t.Errorf("routes in %v: %v", scopes, err)
		}
	}
	refusedResult(t, d, in("Service:Registrar:other.synergy.com"), `a line for Route "synergy.com"`)
	refusedResult(t, d, in("Global", "Service:Registrar:pool.synergy.com"), "the pool's own collections and in the global one")
	part := in("Service:Registrar:pool.synergy.com", "Registrar:pool.synergy.com")
	last := slices.IndexFunc(part.Results, func(r federation.VerifyResult) bool { return r.Kind == KindRoute })
	part.Results = slices.Delete(part.Results, last, last+1)
	refusedResult(t, d, part, `lacks the line for Route "synergy.com"`)
}

func TestAResultOfTheFutureIsRefused(t *testing.T) {
	d := servers()["skype-2019-enterprise"]
	for _, v := range []federation.Verification{wholeResult(d), {Fingerprint: "0123456789abcdef0123456789abcdef", Computer: "FE1", Results: Expected(d, snapshot())[:1]}} {
		v.CheckedAt = dayAfter.Add(24*time.Hour + time.Second)
		refusedResult(t, d, v, "The result was made 2026-03-06 09:41:01 UTC by the clock of")
		v.CheckedAt = dayAfter.Add(24 * time.Hour)
		if _, err := ReadVerification([]byte(printed(v, d.Name)), d, snapshot(), dayAfter); err != nil {
			t.Errorf("a clock that is a little ahead: %v", err)
		}
	}
}
