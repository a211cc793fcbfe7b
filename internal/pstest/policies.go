package pstest

// Policy is a client policy: Global, Site: and a site, or Tag: and a name. PopUps is nil for the product's default.
type Policy struct {
	Identity string
	PopUps   *bool
}

func (m *Microsoft) policyCmdlets() map[string]Command {
	return map[string]Command{
		"get-csclientpolicy": getEach(func() []Policy { return m.State.Policies }, func(p Policy) string { return p.Identity },
			func(p Policy) *Object {
				var value any
				if p.PopUps != nil {
					value = *p.PopUps
				}
				return NewObject("ClientPolicy", "Identity", p.Identity, "EnableNotificationForNewSubscribers", value)
			}),
		"set-csclientpolicy": m.setPolicy,
	}
}

func (m *Microsoft) setPolicy(c *Call) {
	at := place(m.State.Policies, c.Text("Identity"), func(p Policy) string { return p.Identity })
	if at < 0 {
		throw("Cannot find the policy %q.", c.Text("Identity"))
	}
	if !c.Has("EnableNotificationForNewSubscribers") {
		c.Unknown("of something else than pop-ups")
	}
	value := c.Value("EnableNotificationForNewSubscribers")
	c.Change("set pop-ups of "+c.Text("Identity")+" to "+Text(value), func() {
		m.State.Policies[at].PopUps = nil
		if b, given := value.(bool); given {
			m.State.Policies[at].PopUps = &b
		}
	})
}
