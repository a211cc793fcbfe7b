package powershell

import (
	"slices"
	"strings"
	"testing"

	"isthmus/internal/federation"
)

func TestRestartTakesOneFrontEndAfterTheOther(t *testing.T) {
	each(t, func(t *testing.T, d federation.Deployment) {
		m := fresh(d)
		before := m.State.Clone()
		result := ran(t, m, d, 0, "restart.ps1")
		var want []string
		for _, h := range d.Answers.FrontEnds {
			want = append(want, "stop RTCSRV on "+h.FQDN, "start RTCSRV on "+h.FQDN, "start RTCATS on "+h.FQDN)
		}
		if !slices.Equal(result.Changes, want) {
			t.Errorf("it did\n%s\nwant\n%s", strings.Join(result.Changes, "\n"), strings.Join(want, "\n"))
		}
		m.Machine.Slept()
		sameState(t, "restart.ps1", m.State, before)
	})
}

func TestRestartStopsAtTheFrontEndThatDoesNotComeBack(t *testing.T) {
	d := servers()["skype-2019-enterprise"]
	m := fresh(d)
	m.Machine.Slept = func() {}
	result := ran(t, m, d, 1, "restart.ps1", "-StartSeconds", "30")
	for _, change := range result.Changes {
		if strings.HasSuffix(change, d.Answers.FrontEnds[1].FQDN) {
			t.Errorf("the next front end was touched: %v", result.Changes)
		}
	}
	if said := strings.Join(result.Host, "\n"); !strings.Contains(said, "have to be started by hand when it is up: RTCATS") {
		t.Errorf("services that stay down are not named:\n%s", said)
	}
}

func TestRestartLeavesTheFrontEndThatWasDeclined(t *testing.T) {
	d := servers()["skype-2019-enterprise"]
	m := fresh(d)
	decline(m, 0)
	result, err := m.Run(text(t, d, "restart.ps1"))
	if err != nil || len(result.Changes) != 3 || !strings.HasSuffix(result.Changes[0], d.Answers.FrontEnds[1].FQDN) || len(result.Warnings) == 0 {
		t.Errorf("%v\n%s", err, told(result))
	}
}

func TestRestartOfOneFrontEnd(t *testing.T) {
	d := servers()["skype-2019-enterprise"]
	one := d.Answers.FrontEnds[1].FQDN
	result := ran(t, fresh(d), d, 0, "restart.ps1", "-FrontEnd", one, "-Confirm:$false", "-Graceful")
	for _, change := range result.Changes {
		if !strings.HasSuffix(change, one) {
			t.Errorf("another front end was touched: %v", result.Changes)
		}
	}
}
