package pstest

import (
	"slices"
	"strings"
)

// FrontEnd is a front end with the services that run on it.
type FrontEnd struct {
	FQDN    string
	Running []string
}

// frontEndService is the service that the others depend on.
const frontEndService = "RTCSRV"

func (m *Microsoft) serviceCmdlets() map[string]Command {
	return map[string]Command{
		"get-cswindowsservice":   m.windowsServices,
		"stop-cswindowsservice":  m.stopService,
		"start-cswindowsservice": m.startService,
	}
}

func (m *Microsoft) frontEnd(c *Call) *FrontEnd {
	at := place(m.State.FrontEnds, c.Text("ComputerName"), func(f FrontEnd) string { return f.FQDN })
	if at < 0 {
		throw("The computer %q cannot be reached.", c.Text("ComputerName"))
	}
	return &m.State.FrontEnds[at]
}

func (m *Microsoft) windowsServices(c *Call) {
	f := m.frontEnd(c)
	for _, name := range []string{frontEndService, "RTCATS", "RTCIMMCU"} {
		status := "Stopped"
		if slices.Contains(f.Running, name) {
			status = "Running"
		}
		c.Out(NewObject("NTService", "Status", status, "Name", name, "ActivityLevel", nil))
	}
}

// stopService stops those that depend on the service as well.
func (m *Microsoft) stopService(c *Call) {
	f, name := m.frontEnd(c), c.Text("Name")
	c.Change("stop "+name+" on "+f.FQDN, func() {
		f.Running = slices.DeleteFunc(f.Running, func(one string) bool { return same(one, name) || same(name, frontEndService) })
	})
}

// startService starts that service alone, and it runs after the next sleep.
func (m *Microsoft) startService(c *Call) {
	f, name := m.frontEnd(c), strings.ToUpper(c.Text("Name"))
	c.Change("start "+name+" on "+f.FQDN, func() {
		m.starting = append(m.starting, func() {
			if !slices.Contains(f.Running, name) {
				f.Running = append(f.Running, name)
			}
		})
	})
}
