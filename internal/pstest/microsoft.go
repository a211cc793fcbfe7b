package pstest

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// State is what a Microsoft side holds, as plain data, so that two states can be compared.
type State struct {
	SIPDomains       []string      `json:",omitempty"`
	Sites            []Site        `json:",omitempty"`
	Registrars       []string      // FQDNs of pools with users
	Collections      []Collection  `json:",omitempty"`
	TrustedPools     []TrustedPool `json:",omitempty"`
	Providers        []Provider    `json:",omitempty"`
	HostingProviders []Provider    `json:",omitempty"`
	Policies         []Policy
	FrontEnds        []FrontEnd
	Certificates     []Certificate               `json:",omitempty"` // of this computer's own store
	Roots            []Certificate               `json:",omitempty"` // of its trusted roots
	InUse            string                      // the thumbprint of the certificate for Default
	WMI              map[string][]map[string]any `json:",omitempty"`
	Unpublished      bool                        // something was changed since Enable-CsTopology ran
}

// Site is a site of the topology; its identity is Site: and its name.
type Site struct{ ID, Name string }

// Clone is a copy that shares nothing.
func (s State) Clone() State {
	data, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	var copied State
	if err := json.Unmarshal(data, &copied); err != nil {
		panic(err)
	}
	return copied
}

// Text is a state as JSON, for comparing and for reading differences.
func (s State) Text() string {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		panic(err)
	}
	return string(data)
}

// Microsoft is a Microsoft side with a computer on which scripts run: what its cmdlets change is State.
type Microsoft struct {
	State   State
	Machine Machine
	Names   map[string][]string // addresses by name, as this computer resolves them

	// Fails names a cmdlet that fails at its call of that number, from 1; 0 fails at none.
	Fails  string
	FailAt int

	// Lag is how many sleeps after Enable-CsTopology the front ends need until they have the change.
	Lag int

	// Called counts the calls of each cmdlet in the run at work or the last one.
	Called map[string]int

	behind   int
	starting []func()
	requests map[string]bool // files with requests for certificates
}

// NewMicrosoft is a Microsoft side with one module: SkypeForBusiness, Lync, or "" for none, as with OCS.
func NewMicrosoft(state State, module string) *Microsoft {
	m := &Microsoft{State: state, Names: map[string][]string{}, requests: map[string]bool{}}
	m.Machine = Machine{
		Now:         time.Date(2026, 3, 4, 9, 41, 0, 0, time.UTC),
		Environment: map[string]string{"computername": "FE1"},
		Files:       map[string]any{},
		Statics:     map[string]Static{"net.dns::gethostaddresses": m.resolve},
		Types: map[string]func([]any) any{
			"security.cryptography.x509certificates.x509certificate2": m.readCertificate,
			"management.automation.pscredential":                      credential,
		},
		Drives: map[string]func(string) ([]any, bool){"cert": m.certificates},
		Slept:  m.slept,
		Before: m.before,
	}
	m.Machine.Commands = map[string]Command{"get-wmiobject": m.getWMI, "set-wmiinstance": m.setWMI,
		"import-certificate": m.importRoot, "certutil.exe": m.certutil, "read-host": readSecret}
	if module != "" {
		m.Machine.Modules = []*Module{{Name: module, Commands: m.cmdlets()}}
	}
	return m
}

// cmdlets are all that the model knows, by name in small letters.
func (m *Microsoft) cmdlets() map[string]Command {
	all := map[string]Command{}
	for _, part := range []map[string]Command{m.routeCmdlets(), m.trustedCmdlets(), m.topologyCmdlets(), m.serviceCmdlets(), m.policyCmdlets(), m.certificateCmdlets()} {
		maps.Copy(all, part)
	}
	return all
}

// OnServer2008 takes away what came with later servers: the cmdlet that imports certificates.
func (m *Microsoft) OnServer2008() { delete(m.Machine.Commands, "import-certificate") }

// Run runs a script in a PowerShell of its own, a minute after the one before.
func (m *Microsoft) Run(script string, arguments ...string) (Result, error) {
	m.Machine.Now = m.Machine.Now.Add(time.Minute)
	for range 6 {
		m.slept()
	}
	m.Called = map[string]int{}
	for _, module := range m.Machine.Modules {
		module.Imported = false
	}
	return m.Machine.Run(script, arguments...)
}

// before counts a call, and has it fail when it is its turn.
func (m *Microsoft) before(c *Call) {
	name := c.Name
	if known, ok := signatures[strings.ToLower(name)]; ok {
		name = known.name
	}
	m.Called[name]++
	if strings.EqualFold(name, m.Fails) && m.Called[name] == m.FailAt {
		throw("%s failed, as the test wants it.", name)
	}
}

func (m *Microsoft) slept() {
	m.behind = max(0, m.behind-1)
	for _, start := range m.starting {
		start()
	}
	m.starting = nil
}

func (m *Microsoft) resolve(arguments []any) any {
	list := []any{}
	for _, address := range m.Names[strings.ToLower(Text(arguments[0]))] {
		list = append(list, address)
	}
	if len(list) == 0 {
		throw("No such host is known")
	}
	return list
}

// changed marks that Enable-CsTopology has to run.
func (m *Microsoft) changed(c *Call, description string, change func()) {
	c.Change(description, func() {
		m.State.Unpublished = true
		change()
	})
}

// leaf is a name without what stands before its last colon, in small letters.
func leaf(identity string) string {
	return strings.ToLower(identity[strings.LastIndex(identity, ":")+1:])
}

// same compares names as the cmdlets do: without capitals.
func same(a, b string) bool { return strings.EqualFold(a, b) }

// place is where a thing with a name stands in a list, -1 when it is not there.
func place[T any](list []T, name string, nameOf func(T) string) int {
	return slices.IndexFunc(list, func(item T) bool { return same(nameOf(item), name) })
}

// getEach is a Get cmdlet over a list: all, or the one that -Identity names, which is an error when it is not there.
func getEach[T any](list func() []T, identity func(T) string, object func(T) *Object) Command {
	return func(c *Call) {
		if c.Has("Filter") {
			c.Unknown("with Filter")
		}
		found := false
		for _, item := range list() {
			if !c.Has("Identity") || same(identity(item), c.Text("Identity")) || leaf(identity(item)) == leaf(c.Text("Identity")) {
				found = true
				c.Out(object(item))
			}
		}
		if c.Has("Identity") && !found {
			c.Refuse("Cannot find %q because it does not exist.", c.Text("Identity"))
		}
	}
}
