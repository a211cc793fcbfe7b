package powershell

import (
	"slices"
	"strings"
	"testing"

	"isthmus/internal/federation"
	"isthmus/internal/pstest"
)

// neighbours are two deployments in one topology, with the same nodes and so with one trusted pool. The second one has
// another pool of users in another site, one domain of the first one's and one of its own.
func neighbours(d federation.Deployment) (first, second federation.Deployment) {
	other := d
	other.ID, other.Name = 2, "pool2.synergy.com"
	a := &other.Answers
	a.Pool, a.Edition, a.Registrar, a.Site = "pool2.synergy.com", federation.EditionEnterprise, "pool2.synergy.com", "77"
	a.FrontEnds = []federation.Host{{FQDN: "fe9.synergy.com", Address: "10.1.20.29"}}
	a.Domains = []string{d.Answers.Domains[0], "second.example.com"}
	return d, other
}

// together is what is stored when the deployments are all there.
func together(list ...federation.Deployment) federation.Snapshot {
	s := snapshot()
	s.Deployments = list
	return s
}

// fileOf is a file of a deployment as it is written beside others.
func fileOf(t *testing.T, d federation.Deployment, s federation.Snapshot, file string) string {
	t.Helper()
	steps, err := Script(d, s)
	if err != nil {
		t.Fatal(err)
	}
	step, ok := File(steps, file)
	if !ok {
		t.Fatalf("there is no %s", file)
	}
	return step.Text
}

// ranBeside runs a file of a deployment as it is written beside others, and wants an exit code.
func ranBeside(t *testing.T, m *pstest.Microsoft, d federation.Deployment, s federation.Snapshot, code int, file string, arguments ...string) pstest.Result {
	t.Helper()
	result, err := m.Run(fileOf(t, d, s, file), arguments...)
	if err != nil || result.Code != code || result.Uncaught != "" {
		t.Fatalf("%s of %s ends with code %d, want %d (%v)\n%s", file, d.Name, result.Code, code, err, told(result))
	}
	return result
}

// sharedSide is a Microsoft side that has the users and servers of both deployments.
func sharedSide(first, second federation.Deployment) *pstest.Microsoft {
	m := fresh(first)
	m.State.Registrars = append(m.State.Registrars, second.Answers.Registrar)
	m.State.SIPDomains = append(m.State.SIPDomains, second.Answers.Domains...)
	for _, h := range second.Answers.FrontEnds {
		m.State.FrontEnds = append(m.State.FrontEnds, pstest.FrontEnd{FQDN: h.FQDN, Running: []string{"RTCSRV"}})
		m.Names[h.FQDN] = []string{h.Address}
	}
	return m
}

func TestTwoDeploymentsShareOneTrustedPool(t *testing.T) {
	t.Run("lync-2010-enterprise-calling", func(t *testing.T) { standSideBySide(t, servers()["lync-2010-enterprise-calling"]) })
	few(t, standSideBySide)
}

// standSideBySide sets a deployment and its neighbour up, and takes them back one after the other.
func standSideBySide(t *testing.T, d federation.Deployment) {
	t.Helper()
	a, b := neighbours(d)
	both, m := together(a, b), sharedSide(a, b)
	start := m.State.Clone()
	ranBeside(t, m, a, both, 0, "configure.ps1")
	alone := m.State.Clone()
	if result := ranBeside(t, m, b, both, 0, "configure.ps1"); !slices.Contains(result.Changes, "add the route for second.example.com to "+valuesOf(b, both).Destination()+":"+wantedPort(b)+" in Global") {
		t.Errorf("the second deployment changed %v", result.Changes)
	}
	ranBeside(t, m, a, both, 0, "verify.ps1")
	ranBeside(t, m, b, both, 0, "verify.ps1")
	done := m.State.Clone()
	ranBeside(t, m, a, both, 0, "configure.ps1")
	ranBeside(t, m, b, both, 0, "configure.ps1")
	sameState(t, "the second runs", m.State, done)

	result := ranBeside(t, m, b, both, 0, "rollback.ps1")
	if said := strings.Join(append(result.Host, result.Warnings...), "\n"); !strings.Contains(said, "The pool "+a.Answers.TrustedPool+" stays: with its computers and its application it also serves other deployments of the wizard, which are "+a.Name+". ") {
		t.Errorf("it says\n%s", said)
	}
	sameState(t, "rollback.ps1 of the second deployment", m.State, alone)
	ranBeside(t, m, a, both, 0, "verify.ps1")
	ranBeside(t, m, a, together(a), 0, "verify.ps1")
	ranBeside(t, m, a, together(a), 0, "rollback.ps1")
	sameState(t, "rollback.ps1 of the first deployment, when it is the only one", m.State, start)
}

func wantedPort(d federation.Deployment) string {
	if d.Answers.Deployment == federation.ChatAndCalling {
		return "65072"
	}
	return "5061"
}

func TestASharedPoolGoesOnlyWhenItIsSaid(t *testing.T) {
	few(t, func(t *testing.T, d federation.Deployment) {
		a, b := neighbours(d)
		both, m := together(a, b), sharedSide(a, b)
		start := m.State.Clone()
		ranBeside(t, m, a, both, 0, "configure.ps1")
		arguments := []string{"-SharedPool", "-SharedRoutes"}
		if valuesOf(a, both).Provider() {
			arguments = append(arguments, "-SharedProvider")
		}
		ranBeside(t, m, a, both, 0, "rollback.ps1", arguments...)
		sameState(t, "rollback.ps1 with all that is shared", m.State, start)
	})
}

// The first deployment's pool may be of a day when its nodes were fewer: the routing node of the second one is added to it
// like any other.
func TestTheRoutingNodeIsAddedToASharedPool(t *testing.T) {
	a, b := neighbours(servers()["skype-2019-enterprise"])
	a.Nodes = a.Nodes[:1]
	b.Answers.RoutingNode, b.Answers.Domains = "imp2.synergy.com", []string{"second.example.com"}
	b.Nodes = []string{"imp2.synergy.com", "imp1.synergy.com"}
	both, m := together(a, b), sharedSide(a, b)
	ranBeside(t, m, a, both, 0, "configure.ps1")
	if result := ranBeside(t, m, b, both, 0, "configure.ps1"); !slices.Contains(result.Changes, "add the computer imp2.synergy.com to "+a.Answers.TrustedPool) {
		t.Errorf("it changed %v", result.Changes)
	}
	ranBeside(t, m, b, both, 0, "verify.ps1")
	ranBeside(t, m, a, both, 0, "verify.ps1")
}

// A public provider for another Expressway needs another application id; the pool's port has room for one application.
func TestOneApplicationServesDeploymentsThatShareAPool(t *testing.T) {
	a, b := neighbours(servers()["lync-2013-enterprise-calling"])
	b.Answers.ApplicationID, b.Answers.Domains = "second", []string{"second.example.com"}
	b.Answers.Expressway = &federation.Host{FQDN: "exp2.synergy.com", Address: "10.1.30.32", Port: 65072}
	both, m := together(a, b), sharedSide(a, b)
	m.Names["exp2.synergy.com"] = []string{"10.1.30.32"}
	ranBeside(t, m, a, both, 0, "configure.ps1")
	alone := m.State.Clone()
	ranBeside(t, m, b, both, 0, "configure.ps1")
	ranBeside(t, m, b, both, 0, "verify.ps1")
	ranBeside(t, m, a, both, 0, "verify.ps1")
	ranBeside(t, m, b, both, 0, "rollback.ps1")
	sameState(t, "rollback.ps1 of the second deployment", m.State, alone)
}

func TestASharedPoolWithOtherSwitchesIsStillAConflict(t *testing.T) {
	a, b := neighbours(servers()["skype-2019-enterprise"])
	both, m := together(a, b), sharedSide(a, b)
	ranBeside(t, m, a, both, 0, "configure.ps1")
	m.State.TrustedPools[1].RequiresReplication = true
	ranBeside(t, m, b, both, 1, "configure.ps1")
	ranBeside(t, m, b, both, 1, "verify.ps1")
}

func TestWhoSharesThePool(t *testing.T) {
	d := servers()["skype-2019-enterprise"]
	for name, c := range map[string]struct {
		edit func(o *federation.Deployment)
		want []string
	}{
		"another with the same pool": {func(*federation.Deployment) {}, []string{"pool2.synergy.com"}},
		"its own earlier run":        {func(o *federation.Deployment) { o.Name = d.Name }, nil},
		"another pool":               {func(o *federation.Deployment) { o.Answers.TrustedPool = "other.synergy.com" }, nil},
		"OCS":                        {func(o *federation.Deployment) { o.Answers.Platform = federation.OCS2007R2 }, nil},
	} {
		_, other := neighbours(d)
		c.edit(&other)
		if got := valuesOf(d, together(d, other)).SharedWith; !slices.Equal(got, c.want) {
			t.Errorf("%s: shared with %v, want %v", name, got, c.want)
		}
	}
	a, b := neighbours(d)
	if list := fileOf(t, a, together(a, b), "checklist.md"); !strings.Contains(list, "because the deployment `pool2.synergy.com` uses it too") {
		t.Errorf("the checklist does not say what stays\n%s", list)
	}
}

// The names of other deployments are quoted like everything else: with a hostile one, a script has the tokens that it has
// with a harmless one.
func TestNoNeighbourBecomesCode(t *testing.T) {
	a, b := neighbours(servers()["lync-2013-enterprise-calling"]) // whose scripts have every branch of what is shared
	for _, file := range []string{"configure.ps1", "rollback.ps1"} {
		harmless := ""
		for i := 0; i <= len(hostile)+1; i += 2 {
			b.Name, b.Answers.ApplicationID = "harmless", "harmless too"
			if i > 0 {
				b.Name, b.Answers.ApplicationID = hostile[i-2], hostile[(i-1)%len(hostile)]
			}
			written := fileOf(t, a, together(a, b), file)
			tree, err := pstest.Parse(written)
			if err != nil {
				t.Fatalf("%s beside %q: %v", file, b.Name, err)
			}
			if harmless == "" {
				harmless = tree.Shape()
			}
			if tree.Shape() != harmless || untidy.MatchString(written) {
				t.Errorf("%s beside %q has other tokens, or blanks where none belong", file, b.Name)
			}
		}
	}
}
